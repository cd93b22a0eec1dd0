dumont_tests(ledger unit dumont_ledger scripted_world)
