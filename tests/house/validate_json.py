#!/usr/bin/python3
"""Validates JSON files against a JSON Schema.

    validate_json.py SCHEMA FILE…       each FILE, or standard input for -
    validate_json.py --schemas FILE…    each FILE is itself a good schema
    validate_json.py --self-test        proves that mistakes are found

Comments (// and /* */) are allowed, as scenario files have them. Every mistake is told, with where it is.
"""

import json
import re
import sys

from house import finish, skip

try:
    import jsonschema
except ImportError:
    jsonschema = None

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def parse(text):
    """JSON with comments; a key given twice is a mistake."""
    def once(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"given twice: {', '.join(twice)}")
        return dict(pairs)

    plain = TOKEN.sub(lambda match: match.group(0) if match.group(0).startswith('"') else " ", text)
    return json.loads(plain, object_pairs_hook=once)


def load(path):
    if path == "-":
        return parse(sys.stdin.read())
    with open(path, encoding="utf-8") as file:
        return parse(file.read())


def mistakes_in(schema, value, name):
    validator = jsonschema.validators.validator_for(schema)(schema)
    errors = sorted(validator.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path])
    return [f"{name}: {error.json_path}: {error.message}" for error in errors]


def check_schema(schema, name):
    try:
        jsonschema.validators.validator_for(schema).check_schema(schema)
    except jsonschema.exceptions.SchemaError as error:
        return [f"{name}: {error.json_path}: {error.message}"]
    return []


def each(paths, check):
    mistakes = []
    for path in paths:
        try:
            mistakes += check(load(path), path)
        except (OSError, ValueError) as error:
            mistakes.append(f"{path}: {error}")
    return mistakes


def self_test():
    schema = {"type": "object", "required": ["a"], "additionalProperties": False, "properties": {"a": {"type": "integer"}}}
    wrong = []
    for text, expected in (('{"a": 1} // good', 0), ('{/* "b": 1 */ "a": 1}', 0), ('{"a": "//"}', 1), ('{"b": 1}', 2), ("[]", 1)):
        found = mistakes_in(schema, parse(text), "planted")
        if len(found) != expected:
            wrong.append(f"{text}: expected {expected} mistakes, found {found}")
    for text in ('{"a": 1, "a": 2}', '{"a": 1', "", '{"a": 1,}'):
        try:
            parse(text)
            wrong.append(f"accepted: {text}")
        except ValueError:
            pass
    if check_schema(schema, "planted") or not check_schema({"type": "no such type"}, "planted"):
        wrong.append("good and bad schemas are not told apart")
    finish("validate_json's self-test: mistakes", wrong)


if __name__ == "__main__":
    if jsonschema is None:
        skip("there is no python3-jsonschema here")
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) > 2 and sys.argv[1] == "--schemas":
        finish("mistakes in schemas", each(sys.argv[2:], check_schema))
    elif len(sys.argv) > 2 and not sys.argv[1].startswith("--"):
        wanted = load(sys.argv[1])
        finish("mistakes against the schema",
               check_schema(wanted, sys.argv[1]) or each(sys.argv[2:], lambda value, name: mistakes_in(wanted, value, name)))
    else:
        sys.exit(__doc__)
