dumont_tests(reactor unit dumont_reactor)
