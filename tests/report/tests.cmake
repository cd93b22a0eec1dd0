dumont_tests(report unit dumont_report dumont_base PkgConfig::CJSON)
