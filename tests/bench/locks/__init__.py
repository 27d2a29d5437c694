"""What a look at the locks costs when hundreds of sessions wait."""
