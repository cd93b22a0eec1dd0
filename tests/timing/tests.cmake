dumont_tests(timing unit fake_timing)
