#!/usr/bin/python3
"""dumont-fake's verdict on its command: the two example clients, exit statuses, and the four forms.

    CLASS DUMONT_FAKE    runs the tests of one class
"""

import html.parser
import json
import os
import sys
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "front"), os.path.join(ROOT, "tests", "house")]

from fake_case import Case, main  # noqa: E402
import validate_json  # noqa: E402

VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = "<script>alert(1)</script>\"'&]]>\u202e\u0085 \U0001f600"

# Rents with a label, asks for strange paths, leaves the machine.
STRANGE = """
import json, os, sys, urllib.request, urllib.error
def ask(method, path, body):
    request = urllib.request.Request(os.environ["VAST_URL"] + path, json.dumps(body).encode(), method=method,
                                     headers={"Authorization": "Bearer " + os.environ["VAST_API_KEY"]})
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        return {"status": error.code}
offer = ask("POST", "/api/v0/bundles/", {"limit": 1})["offers"][0]["id"]
print(ask("PUT", f"/api/v0/asks/{offer}/", {"client_id": "me", "image": "i", "disk": 10, "label": sys.argv[1]}))
for path in ("/<b>&'\\"]]>", "/%3Cscript%3E", "/secret/?api_key=" + os.environ["VAST_API_KEY"], "/?token=do-not-show"):
    ask("GET", path, None)
"""


class Page(html.parser.HTMLParser):
    """A page whose elements are closed in order; what it holds."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text = [], set(), [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing that is open")

    def handle_data(self, data):
        self.text += data


class VerdictCase(Case):
    def read(self, name):
        with open(self.path(os.path.join("report", name)), encoding="utf-8") as file:
            return file.read()

    def judge(self, *arguments, command, speed="100"):
        """Runs it with a report folder: the run, and verdict.json."""
        run = self.run_fake("--report-dir", "report", "--no-ssh", "--speed", speed, *arguments, "--", *command)
        return run, json.loads(self.read("verdict.json"))

    def scenario(self, **members):
        with open(self.path("scenario.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "mine", **members}, file)
        return "./scenario.json"


class Examples(VerdictCase):
    """The example clients of the README."""

    def run_example(self, name):
        return self.judge("--scenario", "create-response-lost", speed="40",
                          command=[os.path.join(ROOT, "scenarios", "clients", name)])

    def test_the_careless_client_leaks_and_fails(self):
        run, verdict = self.run_example("careless.sh")
        self.assertEqual(run.returncode, 9, run.stderr)
        self.assertFalse(verdict["passed"])
        self.assertEqual((verdict["machines_left"], verdict["machines_created"], verdict["creates_doubled"]), (1, 2, 1))
        failed = {check["name"] for check in verdict["checks"] if not check["passed"]}
        self.assertEqual(failed, {"machines_left", "machines_created", "creates_doubled"})
        left = next(machine for machine in verdict["machines"] if machine["exists"])
        self.assertEqual((left["belief"], left["is_so"], left["told"]), ("unaware", False, False))
        self.assertGreater(left["usd_per_hour"], 0)
        self.assertIn("verdict: FAIL", run.stderr)
        self.assertRegex(run.stderr, r"(?m)^  FAIL  machines_left +wanted 0, found 1$")
        self.assertIn("never heard of it", run.stderr)

    def test_the_careful_client_passes(self):
        run, verdict = self.run_example("careful.sh")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(verdict["passed"], run.stderr)
        self.assertEqual((verdict["machines_left"], verdict["machines_created"], verdict["creates_doubled"]), (0, 1, 0))
        self.assertEqual(verdict["destroyed_unread"], 0)
        self.assertEqual(verdict["machines"][0]["belief"], "gone")
        self.assertEqual(verdict["not_judged"], ["error", "faults_seen"])
        self.assertIn("verdict: pass", run.stderr)
        create = next(row for row in verdict["endpoints"] if row["endpoint"] == "create")
        self.assertEqual((create["outcomes"], create["failed"]), ({"silent": 1}, 1))

    def test_the_examples_are_short(self):
        for name in ("careless.sh", "careful.sh"):
            with open(os.path.join(ROOT, "scenarios", "clients", name), encoding="utf-8") as file:
                self.assertLessEqual(len(list(file)), 20)


class Runs(VerdictCase):
    """What a run ends with, and what it sees of its client."""

    IMPATIENT = """
import json, os, subprocess, time, urllib.request
def freeze(on):
    body = json.dumps({"freeze": on}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["DUMONT_CONTROL_URL"] + "/v1/clock", body, method="POST")).read()
freeze(True)
subprocess.run(["curl", "-s", "--max-time", "0.2", os.environ["VAST_URL"] + "/api/v0/users/current/"], check=False)
freeze(False)
time.sleep(0.1)
"""

    def test_who_does_not_wait_for_an_answer_gets_none(self):
        _, verdict = self.judge(command=[sys.executable, "-c", self.IMPATIENT])
        account = verdict["endpoints"][0]
        self.assertEqual((account["outcomes"], account["failed"], account["retries"]["groups"]), ({"not_waited_for": 1}, 1, 1))
        self.assertIn("not waited for", self.read("verdict.html"))

    def test_expect_makes_the_verdict_the_status(self):
        mine = self.scenario(expect={"exit_status": 8, "machines_created": 0})
        for arguments, command, status in (
                ([], "exit 8", 8), (["--expect"], "exit 8", 0), (["--expect"], "exit 0", 1), (["--expect"], "exit 1", 1), ([], "exit 0", 0)):
            run, verdict = self.judge("--scenario", mine, *arguments, command=["sh", "-c", command])
            self.assertEqual(run.returncode, status, run.stderr)
            self.assertEqual(verdict["passed"], command == "exit 8")

    def test_the_folder_is_made_or_the_command_never_runs(self):
        run = self.run_fake("--report-dir", "a/b/c", "--", "true")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(sorted(os.listdir(self.path("a/b/c"))), ["verdict.html", "verdict.json", "verdict.txt", "verdict.xml"])
        run = self.run_fake("--report-dir", "/proc/no", "--", "touch", "ran")
        self.assertEqual(run.returncode, 3)
        self.assertIn("/proc/no", run.stderr)
        self.assertFalse(os.path.exists(self.path("ran")))

    def test_a_stage_without_a_command_is_judged_as_well(self):
        process = self.start("--report-dir", "report", "--no-ssh", "--speed", "100")
        self.rent()
        status, _, err = self.stop(process)
        verdict = json.loads(self.read("verdict.json"))
        self.assertEqual((status, verdict["command"], verdict["exit_status"], verdict["passed"]), (0, None, None, False))
        self.assertEqual(verdict["machines"][0]["belief"], "created")
        self.assertIn("verdict: FAIL", err)

    def test_a_reset_begins_anew(self):
        process = self.start("--report-dir", "report", "--no-ssh", "--speed", "100")
        self.rent()
        self.good("POST", "/v1/reset")
        self.ask("GET", "/api/v0/users/current/")
        self.stop(process)
        verdict = json.loads(self.read("verdict.json"))
        self.assertEqual((verdict["passed"], verdict["requests"], verdict["requests_forgotten"], verdict["machines"]), (True, 1, 0, []))


class Forms(VerdictCase):
    """Whatever a client sends, the four forms are well-formed, say the same, and show it as text."""

    def judge_strange(self, label=HOSTILE):
        name = self.scenario(expect={"machines_left": 0, "error": "none"})
        return self.judge("--scenario", name, command=[sys.executable, "-c", STRANGE, label])

    def test_the_json_keeps_to_its_schema(self):
        schema = validate_json.load(os.path.join(ROOT, "docs", "schema", "verdict.schema.json"))
        run, verdict = self.judge_strange()
        self.assertEqual(validate_json.check_schema(schema, "schema") + validate_json.mistakes_in(schema, verdict, "verdict"), [])
        self.assertEqual(verdict["schema_version"], 1)
        self.assertEqual(verdict["machines"][0]["label"], HOSTILE)
        run = self.run_fake("--json", "--no-ssh", "--scenario", "./scenario.json", "--", "true")
        told = json.loads(run.stderr)["verdict"]
        self.assertEqual(validate_json.mistakes_in(schema, told, "statement"), [])
        self.assertTrue(told["passed"])

    def test_the_page_is_whole_and_shows_markup_as_text(self):
        self.judge_strange()
        text = self.read("verdict.html")
        page = Page()
        page.feed(text)
        page.close()
        self.assertEqual(page.open, [])
        self.assertEqual(page.tags & {"script", "link", "img", "iframe", "object", "b2"}, set())
        self.assertEqual([name for name, _ in page.attributes if name in ("src", "href", "xlink:href") or name.startswith("on")], [])
        self.assertIn("<script>alert(1)</script>\"'&]]>", page.text)
        self.assertNotIn("\u202e", text)
        self.assertNotIn("url(", text)
        self.assertIn("prefers-color-scheme:dark", text.replace(" ", ""))
        self.assertIn("default-src 'none'", text)

    def test_the_junit_file_is_whole(self):
        _, verdict = self.judge_strange()
        suite = xml.etree.ElementTree.parse(self.path("report/verdict.xml")).getroot().find("testsuite")
        cases = {case.get("name"): case for case in suite.findall("testcase")}
        self.assertEqual(suite.get("name"), "mine")
        self.assertEqual(int(suite.get("tests")), len(cases))
        self.assertEqual(int(suite.get("failures")), sum(1 for check in verdict["checks"] if not check["passed"]))
        self.assertEqual(int(suite.get("failures")), len(suite.findall("testcase/failure")))
        self.assertEqual(cases["machines_left"].find("failure").get("message"), "machines_left: wanted 0, found 1")
        self.assertIsNotNone(cases["error"].find("skipped"))
        self.assertIn("<script>", suite.find("system-out").text)

    def test_control_characters_reach_no_form(self):
        self.judge_strange("a\x1b[31mred\x07\x00"[:-1] + "\ttab")
        for name in ("verdict.txt", "verdict.html", "verdict.xml"):
            text = self.read(name)
            self.assertEqual([c for c in text if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160], [], name)
        xml.etree.ElementTree.parse(self.path("report/verdict.xml"))
        json.loads(self.read("verdict.json"))

    def test_no_form_holds_a_secret(self):
        script = 'printf %s "$VAST_API_KEY" > key; curl -sS "$VAST_URL/x/$VAST_API_KEY/?api_key=$VAST_API_KEY&token=do-not-show"'
        self.judge(command=["sh", "-c", script, "sh", "do-not-show"])
        with open(self.path("key"), encoding="utf-8") as file:
            key = file.read()
        for name in ("verdict.txt", "verdict.json", "verdict.xml", "verdict.html"):
            self.assertNotIn(key, self.read(name))
            self.assertNotIn("do-not-show", self.read(name))

    def test_the_text_says_what_the_json_says(self):
        _, verdict = self.judge_strange("plain")
        text = self.read("verdict.txt")
        for check in verdict["checks"]:
            self.assertRegex(text, rf"(?m)^  {'pass' if check['passed'] else 'FAIL'}  {check['name']} ")
        for finding in verdict["findings"]:
            self.assertIn(finding["text"], text)
        self.assertIn(f"{verdict['machines'][0]['id']}  plain", text)


if __name__ == "__main__":
    main()
