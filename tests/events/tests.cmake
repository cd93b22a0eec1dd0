dumont_tests(events unit dumont_events scripted_world)
