#!/usr/bin/python3
"""The SSH front, as OpenSSH's client sees it.

    ssh.py GROUP SSH_STAGE_MAIN    runs the tests of one class
"""

import contextlib
import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import unittest

import ssh_rig
from ssh_rig import BANNER, LIMIT_S, Case

TEN_MB = 10 * 1000 * 1000


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def connect(where):
    """To a port, or to a socket of the file system."""
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where), LIMIT_S)
    through = socket.socket(socket.AF_UNIX)
    through.settimeout(LIMIT_S)
    through.connect(where)
    return through


class Commands(Case):
    def test_a_command_s_output_comes_back(self):
        self.assertEqual(self.good("echo hello"), b"hello\n")

    def test_both_ports_answer(self):
        for port in (self.machine.proxy, self.machine.direct):
            self.assertEqual(self.good("echo hello", port=port, options=["-q"]), b"hello\n")

    def test_standard_error_comes_apart(self):
        self.assertEqual(self.ssh("echo out; echo err >&2; exit 3"), (3, b"out\n", b"err\n"))

    def test_words_are_quoted_as_the_shell_quotes_them(self):
        for command, printed in [
            ("printf '%s|' 'a b' \"c  d\" e\\ f", b"a b|c  d|e f|"),
            ("printf '%s\\n' \"it's\" '\"quoted\"'", b"it's\n\"quoted\"\n"),
            ("printf '%s' 'one\ntwo\n\nthree'", b"one\ntwo\n\nthree"),
            ("echo 'grüße 🚀 日本'", "grüße 🚀 日本\n".encode()),
            ("echo \"$HOME\" '$HOME' \\$HOME", b"/root $HOME $HOME\n"),
            ("cat <<'end'\n$x `y`\nend", b"$x `y`\n"),
        ]:
            self.assertEqual(self.good(command), printed, command)

    def test_words_of_the_command_line_are_joined_by_spaces(self):
        self.assertEqual(self.good("echo", "a  b", "'c  d'"), b"a b c  d\n")

    def test_every_exit_status_arrives_and_channels_share_a_connection(self):
        control = os.path.join(self.folder, "control")
        master = subprocess.Popen(self.command_line(options=["-M", "-N", "-S", control]))
        try:
            while not os.path.exists(control):
                pass
            for status in range(256):
                self.assertEqual(self.ssh(f"exit {status}", options=["-S", control])[0], status)
            self.assertEqual((self.stage.peers().now, self.stage.peers().ever), (1, 1))
        finally:
            master.terminate()
            master.wait(LIMIT_S)

    def test_one_channel_answers_while_another_waits(self):
        control = os.path.join(self.folder, "control")
        first = self.start("cat", options=["-M", "-S", control])
        while not os.path.exists(control):
            pass
        self.assertEqual(self.good("echo second", options=["-S", control]), b"second\n")
        out, _ = first.communicate(b"first", timeout=LIMIT_S)
        self.assertEqual((first.returncode, out), (0, b"first"))
        self.assertEqual(self.stage.peers().ever, 1)

    def test_a_command_that_reads_nothing_answers_though_its_input_stays_open(self):
        for command in ("echo hi", "hostname", "echo a | cat", "cat < /etc/hostname", "sh -c 'echo x'", "true && pwd"):
            process = self.start(command)
            try:
                self.assertEqual(process.wait(LIMIT_S), 0, command)
            finally:
                process.communicate()

    def test_a_command_that_reads_waits_for_the_end_of_its_input(self):
        text = b"one\ntwo\nthree\n"
        for command, printed in [
            ("cat > f; cat f", text),
            ("wc -c", b"14\n"),
            ("md5sum", hashlib.md5(text).hexdigest().encode() + b"  -\n"),
            ("grep t", b"two\nthree\n"),
            ("tee f | tail -n 1", b"three\n"),
            ("head -n 1", b"one\n"),
            ("while read -r line; do echo \"<$line>\"; done", b"<one>\n<two>\n<three>\n"),
        ]:
            process = self.start(command)
            process.stdin.write(text[:5])
            process.stdin.flush()
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(0.05)
            out, err = process.communicate(text[5:], timeout=LIMIT_S)
            self.assertEqual((process.returncode, out, err), (0, printed, b""), command)

    def test_a_script_on_standard_input_runs(self):
        self.assertEqual(self.good("sh", stdin=b"x=1\ncd /tmp\necho $x\npwd\n"), b"1\n/tmp\n")
        self.assertEqual(self.good("bash -s", stdin=b"echo from bash\n"), b"from bash\n")

    def test_ten_megabytes_go_each_way(self):
        data = os.urandom(TEN_MB)
        self.assertEqual(self.good("sha256sum", stdin=data).split()[0].decode(), hashlib.sha256(data).hexdigest())
        self.assertEqual(hashlib.sha256(self.good("cat", stdin=data)).digest(), hashlib.sha256(data).digest())
        self.good("cat > big", stdin=data)
        self.assertEqual(hashlib.sha256(self.good("cat big")).digest(), hashlib.sha256(data).digest())
        self.assertEqual(self.ssh("cat big >&2")[2], data)

    def test_twenty_sessions_run_at_once(self):
        data = os.urandom(TEN_MB // 10)
        waiting = [self.start("tee copy | wc -c; sha256sum copy") for _ in range(20)]
        self.wait_for_programs(20)
        for process in waiting:
            out, err = process.communicate(data, timeout=LIMIT_S)
            self.assertEqual((process.returncode, err), (0, b""))
            self.assertEqual(out.split()[0], str(len(data)).encode())

    def test_a_client_that_does_not_read_costs_no_more_memory(self):
        self.good("cat > big", stdin=bytes(TEN_MB))
        slow = [self.start("cat big big big") for _ in range(3)]
        self.wait_for_programs(3)
        self.assertEqual(self.good("echo still here"), b"still here\n")
        for process in slow:
            self.assertEqual(len(process.communicate(timeout=LIMIT_S)[0]), 3 * TEN_MB)

    def test_an_environment_is_accepted_as_sshd_does(self):
        self.assertEqual(self.good("echo ok", options=["-o", "SetEnv=LANG=C.UTF-8 SECRET=1"]), b"ok\n")


class Stages(Case):
    """What ssh prints while a machine is not ready."""

    def refusal(self, stage, level="INFO", **more):
        self.stage = self.open_stage(stage=f"0:{stage}", **more)
        self.machine = self.stage.rent()
        status, out, err = self.ssh("true", options=["-o", "ConnectTimeout=1", "-o", f"LogLevel={level}"])
        self.assertEqual((status, out), (255, b""))
        where = f"{self.machine.host} port {self.machine.direct}"
        return err.decode().replace("\r\n", "\n"), where

    def test_refused(self):
        text, where = self.refusal("refused")
        self.assertEqual(text, f"ssh: connect to host {where}: Connection refused\n")

    def test_accepted_and_closed(self):
        text, where = self.refusal("closes")
        self.assertEqual(text, "kex_exchange_identification: Connection closed by remote host\n"
                               f"Connection closed by {where}\n")

    def test_accepted_and_reset(self):
        text, where = self.refusal("resets", refused_ms=50)
        self.assertEqual(text, "kex_exchange_identification: read: Connection reset by peer\n"
                               f"Connection reset by {where}\n")

    def test_silent(self):
        text, where = self.refusal("silent")
        self.assertEqual(text, f"Connection timed out during banner exchange\nConnection to {where} timed out\n")

    def test_unreachable(self):
        text, where = self.refusal("unreachable")
        self.assertEqual(text, f"ssh: connect to host {where}: Connection timed out\n")

    def test_key_not_there(self):
        text, _ = self.refusal("key_denied", level="ERROR")
        self.assertEqual(text, f"root@{self.machine.host}: Permission denied (publickey).\n")

    def test_each_port_has_its_own(self):
        self.stage = self.open_stage(stage=["0:ready:proxy", "0:refused:direct"])
        self.machine = self.stage.rent()
        self.assertEqual(self.ssh("true", port=self.machine.direct)[0], 255)
        self.assertEqual(self.ssh("true", port=self.machine.proxy)[0], 0)

    def test_stages_follow_one_another(self):
        self.stage = self.open_stage(stage=["0:refused", "200:closes", "400:key_denied", "700:ready"])
        self.machine = self.stage.rent()
        seen = []
        while not seen or seen[-1] != "ready":
            status, _, err = self.ssh("true")
            found = re.search("refused|closed|Permission denied", err.decode())
            word = "ready" if status == 0 else found.group(0)
            seen += [word] if not seen or seen[-1] != word else []
        self.assertEqual(seen, ["refused", "closed", "Permission denied", "ready"])

    def test_a_fault_of_the_catalogue_holds_one_port_back(self):
        self.stage = self.open_stage(fault="ssh-refused:for_s=-1,port=direct")
        self.machine = self.stage.rent()
        self.assertEqual(self.ssh("true", port=self.machine.direct)[0], 255)
        self.assertEqual(self.ssh("true", port=self.machine.proxy)[0], 0)


class Keys(Case):
    def host_key(self, machine):
        run = subprocess.run(["ssh-keyscan", "-t", "ed25519", "-p", str(machine.direct), machine.host],
                             capture_output=True, check=True, timeout=LIMIT_S)
        return run.stdout.decode().split()[2]

    def test_the_account_s_key_alone_opens(self):
        denied = f"root@{self.machine.host}: Permission denied (publickey).".encode()
        for key in (self.make_key("other"), "/nonexistent"):
            status, _, err = self.ssh("true", key=key)
            self.assertEqual((status, err.splitlines()[-1]), (255, denied))
        self.assertEqual(self.ssh("true")[0], 0)

    def test_keys_of_other_kinds_open_too(self):
        for kind in ("rsa", "ecdsa"):
            self.key = self.make_key(kind, kind)
            self.stage = self.open_stage()
            self.machine = self.stage.rent()
            self.assertEqual(self.ssh("true")[0], 0)

    def test_only_root_may_log_in(self):
        status, _, err = self.ssh("true", user="somebody")
        self.assertEqual(status, 255)
        self.assertIn(b"Permission denied (publickey).", err)

    def test_there_is_no_password(self):
        status, _, err = self.ssh("true", key="/nonexistent", options=["-o", "PreferredAuthentications=password"])
        self.assertEqual(status, 255)
        self.assertIn(b"Permission denied (publickey).", err)

    def test_six_wrong_keys_are_enough(self):
        wrong = [option for number in range(7) for option in ("-i", self.make_key(f"wrong{number}"))]
        status, _, err = self.ssh("true", options=wrong)
        self.assertEqual(status, 255)
        self.assertIn(b"Too many authentication failures", err)

    def test_the_proxy_greets_and_the_direct_port_does_not(self):
        heard = ["-o", "LogLevel=INFO"]
        greeting = self.ssh("echo hi", port=self.machine.proxy, options=heard)
        self.assertEqual(greeting[1], b"hi\n")
        self.assertIn(BANNER, greeting[2].replace(b"\r\n", b"\n"))
        self.assertNotIn(b"Welcome", self.ssh("echo hi", options=heard)[2])

    def test_a_host_key_stays_until_it_is_rotated(self):
        known = os.path.join(self.folder, "known")
        strict = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=accept-new"]
        self.assertEqual(self.ssh("true", options=strict)[0], 0)
        self.assertEqual(self.ssh("true", options=strict)[0], 0)
        before = self.host_key(self.machine)
        self.assertEqual(before, self.host_key(self.machine))
        self.assertEqual(self.stage.say(f"rotate {self.machine.number}"), "1")
        self.assertNotEqual(self.host_key(self.machine), before)
        status, _, err = self.ssh("true", options=strict)
        self.assertEqual(status, 255)
        self.assertIn(b"REMOTE HOST IDENTIFICATION HAS CHANGED", err)

    def test_two_machines_have_two_addresses_and_keys(self):
        other = self.stage.rent()
        self.assertNotEqual(other.host, self.machine.host)
        self.assertNotEqual(self.host_key(other), self.host_key(self.machine))
        self.assertTrue(self.machine.host.startswith("127.") and other.host.startswith("127."))
        self.good("echo one > /root/which")
        self.good("echo two > /root/which", machine=other)
        self.assertEqual(self.good("cat /root/which"), b"one\n")

    def test_the_same_seed_gives_the_same_machine_unless_its_address_is_another_fake_s(self):
        seed = os.getpid()  # not that of the fakes of whoever runs tests beside this one
        stage = self.open_stage(seed=seed)
        machine = stage.rent()
        place = (machine.host, machine.proxy, machine.direct, self.host_key(machine))
        self.good("echo leaves a connection that lingers", machine=machine)
        self.assertEqual(stage.close(), ("clean", 0))
        again = self.open_stage(seed=seed).rent()
        self.assertEqual((again.host, again.proxy, again.direct, self.host_key(again)), place)
        beside = self.open_stage(seed=seed).rent()
        self.assertNotEqual(beside.host, again.host)
        self.assertEqual((beside.proxy, beside.direct), place[1:3])
        self.assertEqual(self.good("echo beside", machine=beside), b"beside\n")
        another = self.open_stage(seed=seed + 1).rent()
        self.assertNotEqual(another.host, again.host)


class Ends(Case):
    def cut(self, word):
        process = self.start("cat", options=["-o", "LogLevel=INFO"])
        self.wait_for_programs(1)
        process.stdin.write(b"half")
        process.stdin.flush()
        self.assertEqual(self.stage.say(f"{word} {self.machine.number}"), "1")
        out, err = process.communicate(timeout=LIMIT_S)
        self.assertEqual((process.returncode, out), (255, b""))
        self.assertRegex(err.decode(), rf"Connection to {self.machine.host} closed by remote host")
        self.wait_for_peers(0)

    def test_a_destroyed_machine_cuts_its_sessions_and_refuses(self):
        self.cut("destroy")
        self.assertIn(b"Connection refused", self.ssh("true")[2])

    def test_a_lost_machine_cuts_its_sessions_and_answers_nobody_until_it_is_found(self):
        self.cut("lose")
        self.assertIn(b"timed out", self.ssh("true", options=["-o", "ConnectTimeout=1"])[2])
        self.assertIn(b"Connection closed by remote host", self.ssh("true", port=self.machine.proxy, options=["-o", "LogLevel=INFO"])[2])
        self.stage.say(f"find {self.machine.number}")
        self.assertEqual(self.good("echo back"), b"back\n")

    def test_a_machine_that_is_destroyed_while_a_command_runs_drops_it(self):
        self.stage = self.open_stage(session_ms=3000)
        self.machine = self.stage.rent()
        process = self.start("echo never")
        self.wait_for_programs(1)
        self.stage.say(f"destroy {self.machine.number}")
        out, _ = process.communicate(timeout=LIMIT_S)
        self.assertEqual((process.returncode, out), (255, b""))

    def test_a_command_that_sleeps_is_cut_too(self):
        process = self.start("echo before; sleep 1000", options=["-o", "LogLevel=INFO"])
        self.wait_for_programs(1)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.1)
        self.stage.say(f"destroy {self.machine.number}")
        _, err = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, 255)
        self.assertIn(b"closed by remote host", err)

    def test_a_drop_mid_command_sends_what_was_said_and_breaks(self):
        self.stage = self.open_stage(fault="ssh-drop-mid-command:nth=1,bytes=5")
        self.machine = self.stage.rent()
        process = self.start("echo 1234567890 | tee f", options=["-o", "LogLevel=INFO"])
        process.wait(LIMIT_S)
        out, err = process.communicate()
        self.assertEqual((process.returncode, out), (255, b"12345"))
        self.assertIn(b"closed by remote host", err)
        self.assertEqual(self.good("cat f"), b"1234567890\n")

    def test_a_client_that_vanishes_leaves_nothing(self):
        self.good("true")
        self.wait_for_peers(0)
        before = self.stage.descriptors()
        for wait in ("cat", "cat > f"):
            process = self.start(wait)
            self.wait_for_programs(1)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.wait_for_peers(0)
        self.assertEqual(self.stage.descriptors(), before)

    def test_a_client_that_falls_silent_is_gone_after_its_keepalives(self):
        """It is stopped, or what lies between forwards nothing any more: its connection stands, and nobody answers."""
        self.stage = self.open_stage(keepalive_ms=500)
        self.machine = self.stage.rent()
        self.good("cat > big", stdin=bytes(TEN_MB))
        self.wait_for_peers(0)
        before = self.stage.descriptors()
        waits = ("cat", "sleep 1000", "cat big big big")  # whose output is a pipe that nobody reads
        with contextlib.ExitStack() as relays:
            stopped = [self.start(wait) for wait in waits]
            held = [relays.enter_context(ssh_rig.Relay((self.machine.host, self.machine.direct))) for _ in waits]
            cut_off = [self.start(wait, options=["-o", f"HostName={relay.host}", "-o", f"Port={relay.port}"])
                       for wait, relay in zip(waits, held)]
            self.wait_for_programs(6)
            for process, relay in zip(stopped, held):
                process.send_signal(signal.SIGSTOP)
                relay.hold()
            self.wait_for_peers(0)
            self.assertEqual((self.stage.peers().programs, self.stage.descriptors()), (0, before))
            for process in stopped + cut_off:
                process.kill()
                process.communicate()

    def test_a_client_that_answers_keepalives_stays(self):
        self.stage = self.open_stage(keepalive_ms=1000)
        self.machine = self.stage.rent()
        process = self.start("cat", options=("-o", "LogLevel=DEBUG1"))
        asked = 0
        while asked < 4:  # more than one is asked who does not answer
            line = process.stderr.readline()
            self.assertNotEqual(line, b"", "it was cut")
            asked += b"keepalive@openssh.com" in line
        out, _ = process.communicate(b"alive", timeout=LIMIT_S)
        self.assertEqual((process.returncode, out), (0, b"alive"))

    def test_machines_beyond_the_descriptors_refuse_and_the_others_go_on(self):
        self.stage = self.open_stage(descriptors=64)
        machines = [self.stage.rent() for _ in range(100)]
        self.machine = machines[0]
        waiting = [self.start("cat", machine=machines[0]) for _ in range(6)]
        self.assertIn(b"Connection refused", self.ssh("true", machine=machines[99])[2])
        self.stage.say("destroy 5")
        for process in waiting:
            process.communicate(timeout=LIMIT_S)
            self.assertEqual(process.returncode, 0)
        self.assertEqual(self.good("echo on"), b"on\n")

    def test_two_hundred_connections_leave_no_descriptor_and_no_memory(self):
        self.good("true")
        self.wait_for_peers(0)
        before = (self.stage.descriptors(), self.stage.peers().blocks)
        for start in range(0, 200, 20):
            processes = [self.start("echo x; exit 1") for _ in range(20)]
            for process in processes:
                self.assertEqual((process.communicate(timeout=LIMIT_S), process.returncode), ((b"x\n", b""), 1))
        self.wait_for_peers(0)
        self.assertEqual(self.stage.peers().ever, 201)
        self.assertEqual(self.stage.descriptors(), before[0])
        self.assertLessEqual(self.stage.peers().blocks, before[1] + 20 * 4)  # sessions that wait to be used again


class Times(Case):
    settings = {"session_ms": 2000, "speed": 4000}

    def test_a_session_takes_what_the_plan_says_at_any_speed(self):
        seconds = []
        for _ in range(3):
            run = subprocess.run(["bash", "-c", "TIMEFORMAT=%R; time \"$@\" >/dev/null", "bash",
                                  *self.command_line("echo hi")], capture_output=True, check=True, timeout=LIMIT_S)
            seconds.append(float(run.stderr.split()[-1]))
        self.assertGreater(min(seconds), 0.499)
        self.assertLess(min(seconds), 0.6)


    def test_a_command_takes_the_time_that_it_sleeps(self):
        run = subprocess.run(["bash", "-c", "TIMEFORMAT=%R; time \"$@\"", "bash", *self.command_line("sleep 4; echo hi")],
                             capture_output=True, check=True, timeout=LIMIT_S)
        self.assertEqual(run.stdout, b"hi\n")
        self.assertGreater(float(run.stderr.split()[-1]), 1.499)


class Shells(Case):
    def test_lines_are_run_one_after_the_other_and_remember(self):
        process = self.start()
        for line, answer in [(b"cd /tmp; x=7; export y=8\n", None), (b"pwd\n", b"/tmp\n"), (b"echo $x $y\n", b"7 8\n"),
                             (b"for i in 1 2\n", None), (b"do echo $i\n", None), (b"done\n", b"1\n"), (b"", b"2\n"),
                             (b"false\n", None), (b"echo $?\n", b"1\n")]:
            process.stdin.write(line)
            process.stdin.flush()
            if answer is not None:
                self.assertEqual(process.stdout.readline(), answer)
        out, err = process.communicate(b"exit 9\n", timeout=LIMIT_S)
        self.assertEqual((process.returncode, out, err), (9, b"", b""))

    def test_the_end_of_the_input_ends_it_with_the_last_status(self):
        self.assertEqual(self.ssh(stdin=b"echo a\nfalse")[:2], (1, b"a\n"))

    def test_a_terminal_has_prompts_echo_and_keys(self):
        status, out, _ = self.ssh(options=["-tt"], stdin=b"echo hx\x7fello\recho 'un\rfinished'\r\x03\x04")
        lines = out.replace(b"\b \b", b"<").split(b"\r\n")
        self.assertRegex(lines[0], rb"^root@[0-9a-f]{12}:~# echo hx<ello$")
        self.assertEqual(lines[1], b"hello")
        self.assertTrue(lines[2].endswith(b"# echo 'un"))
        self.assertEqual(lines[3:6], [b"> finished'", b"un", b"finished"])
        self.assertTrue(lines[6].endswith(b"# ^C"))
        self.assertTrue(lines[7].endswith(b"# exit"))
        self.assertEqual(status, 0)

    def test_a_command_with_a_terminal_has_one_stream_and_full_line_ends(self):
        self.assertEqual(self.ssh("echo a; echo b >&2; exit 4", options=["-tt"])[:2], (4, b"a\r\nb\r\n"))


class Refusals(Case):
    def test_what_would_be_forwarded_back_is_refused_and_the_command_goes_on(self):
        far = os.path.join(self.folder, "far")
        for option, text in [("-R 0:127.0.0.1:9", "remote port forwarding failed"), ("-R 0", "remote port forwarding failed"),
                             (f"-R {far}:127.0.0.1:9", "remote port forwarding failed"), ("-A", ""), ("-X", "")]:
            status, out, err = self.ssh("echo on", options=[*option.split(), "-o", "LogLevel=INFO"])
            self.assertEqual((status, out), (0, b"on\n"), option)
            self.assertIn(text, err.decode(), option)
        status, out, err = self.ssh("echo on", options=["-R", "0:127.0.0.1:9", "-o", "ExitOnForwardFailure=yes"])
        self.assertEqual((status, out), (255, b""))
        self.assertIn(b"remote port forwarding failed", err)

    def test_what_is_forwarded_there_is_refused_and_the_session_goes_on(self):
        """ssh listens by itself; what connects to it is told by the end, and ssh by whom it was refused."""
        for option, greeting in [("-L", b""), ("-D", b"\5\1\0" + b"\5\1\0\1\x7f\0\0\1\0\x09")]:
            near = os.path.join(self.folder, "near" + option)
            words = [option, near + ":127.0.0.1:9"] if option == "-L" else [option, f"127.0.0.1:{free_port()}"]
            process = self.start("cat", options=[*words, "-o", "LogLevel=INFO"])
            self.wait_for_programs(1)
            with contextlib.closing(connect(near if option == "-L" else int(words[1].split(":")[1]))) as through:
                through.sendall(greeting)
                while through.recv(100):
                    pass
            out, err = process.communicate(b"on", timeout=LIMIT_S)
            self.assertEqual((process.returncode, out), (0, b"on"))
            self.assertIn(b"open failed: administratively prohibited", err)
            self.wait_for_peers(0)

    def test_a_tunnel_is_refused(self):
        jump = " ".join(self.command_line(options=["-W", "%h:%p", "-o", "LogLevel=INFO"]))
        for words in (["-W", "127.0.0.1:9"], ["-o", f"ProxyCommand={jump}", "-o", "HostName=127.0.0.1"]):
            status, out, err = self.ssh(options=[*words, "-o", "LogLevel=INFO"])
            self.assertEqual((status, out), (255, b""), words)
            self.assertIn(b"open failed: administratively prohibited", err)
        self.assertEqual(self.good("echo on"), b"on\n")

    def test_an_unknown_subsystem_is_refused(self):
        status, _, err = self.ssh("nonesuch", options=["-s"])
        self.assertNotEqual(status, 0)
        self.assertIn(b"subsystem request failed on channel 0", err)

    def test_keepalives_are_answered(self):
        process = self.start("cat", options=["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"])
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(2.5)
        out, _ = process.communicate(b"alive", timeout=LIMIT_S)
        self.assertEqual((process.returncode, out), (0, b"alive"))

    def test_what_is_no_ssh_does_no_harm(self):
        for text in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"SSH-2.0-x\r\n" + os.urandom(65536), b"\x00" * 9999,
                     b"SSH-2.0-x\r\n" + b"\xff\xff\xff\xff" * 100, b"SSH-1.5-old\r\n", b"x" * 100000, b""):
            with socket.create_connection((self.machine.host, self.machine.direct), LIMIT_S) as connection:
                try:
                    connection.sendall(text)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
                except OSError:
                    pass
        self.wait_for_peers(0)
        self.assertEqual(self.good("echo on"), b"on\n")


class Fuzz(Case):
    """Packets before any key is agreed upon, whole and broken, in any order: all that a stranger can make sshd parse."""

    def packets(self, draw):
        names = [b"curve25519-sha256", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr", b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none",
                 b"", b""]
        key_exchange = b"\x14" + draw.randbytes(16) + b"".join(map(string, names)) + b"\0" + bytes(4)
        login = b"\x32" + string(b"root") + string(b"ssh-connection") + string(b"publickey")
        return [key_exchange, b"\x1e" + string(draw.randbytes(32)), b"\x15", b"\5" + string(b"ssh-userauth"),
                login + b"\1" + string(b"ssh-ed25519") + string(draw.randbytes(51)) + string(draw.randbytes(83)),
                b"\x32" + string(b"root") + string(b"ssh-connection") + string(b"password") + b"\0" + string(b"x"),
                b"\x50" + string(b"tcpip-forward") + b"\1" + string(b"") + bytes(4),
                b"\x5a" + string(b"session") + bytes(4) + b"\0\x20\0\0" + b"\0\0\x80\0",
                b"\x62" + bytes(4) + string(b"exec") + b"\1" + string(b"touch /root/planted"),
                b"\1" + bytes(4) + string(b"bye") + string(b""), b"\2" + string(b"ignored"), b"\7" + bytes(4), b"\xff"]

    @staticmethod
    def spoilt(draw, payload):
        payload = bytearray(payload)
        for _ in range(draw.choice([0, 0, 1, 1, 3, 20])):
            at = draw.randrange(len(payload))
            payload[at] = draw.choice([0, 1, 0x7f, 0x80, 0xff, draw.randrange(256)])
        cut = draw.choice([0, 0, 0, 1, draw.randrange(len(payload))])
        payload = bytes(payload[:len(payload) - cut]) + draw.randbytes(draw.choice([0, 0, 0, 4, 40000]))
        padding = 8 + -(len(payload) + 5) % 8
        length = draw.choice([len(payload) + padding + 1] * 12 + [0, 1, 5, 0x7fffffff, 0xffffffff, 40000])
        return length.to_bytes(4, "big") + bytes([draw.choice([padding] * 12 + [0, 255])]) + payload + bytes(padding)

    def test_no_stranger_s_packets_do_harm(self):
        deep = 0
        for seed in range(3000):
            draw = random.Random(seed)
            packets = self.packets(draw)
            order = list(range(draw.randrange(len(packets) + 1))) + [draw.randrange(len(packets)) for _ in range(draw.randrange(4))]
            heard, text = b"", b"SSH-2.0-fuzz\r\n" + b"".join(self.spoilt(draw, packets[at]) for at in order)
            with socket.create_connection((self.machine.host, self.machine.direct), LIMIT_S) as connection:
                try:
                    connection.sendall(text)
                    connection.shutdown(socket.SHUT_WR)
                    while piece := connection.recv(65536):
                        heard += piece
                except OSError:
                    pass
            deep += b"\0\0\0\x33" + string(b"ssh-ed25519") in heard  # the host key: the exchange went through
            self.assertIsNone(self.stage.process.poll(), seed)
        self.assertGreater(deep, 10)  # of more the answer is lost to their reset
        self.wait_for_peers(0)
        self.assertEqual(self.good("ls /root/planted 2>/dev/null || echo on"), b"on\n")


def string(text):
    return len(text).to_bytes(4, "big") + text


if __name__ == "__main__":
    ssh_rig.PROGRAM.append(sys.argv[2])
    unittest.main(argv=[sys.argv[0], sys.argv[1]])
