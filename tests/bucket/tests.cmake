dumont_tests(bucket unit fake_bucket PkgConfig::CJSON)
