"""How right the attribution of statements to applications is, on workloads whose truth is known."""
