-- A block of %(kilobytes)s is taken and given back, and nothing else: see server/memory.py.
select octet_length(repeat(repeat('x', 1000), %(kilobytes)s::int4))
