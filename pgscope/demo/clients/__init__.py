"""The client programs, one a module; ``roster`` says what each shows, ``client`` runs them."""
