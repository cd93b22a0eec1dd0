#!/usr/bin/python3
"""Faults of hosts and their SSH, as OpenSSH's programs see them on machines of a running dumont-fake.

    faults.py GROUP DUMONT_FAKE
"""

import json
import os
import re
import subprocess
import sys
import time

import host_case
from trees import read

QUERY = "nvidia-smi -i 0 --query-gpu=utilization.gpu,memory.used,temperature.gpu,power.draw --format=csv,noheader,nounits"


class Faults(host_case.HostCase):
    """What holds for both kinds of host."""
    scenario = {"name": "faults", "account": {"credit_usd": 10000}}  # days pass

    def fault(self, fault, **parameters):
        status, answer = self.control("PUT", f"/v1/faults/{fault}", parameters)
        self.assertEqual(status, 200, answer)

    def test_a_lost_gpu_is_lost_in_each_way(self):
        machine = self.rent_running()
        ways = [("nvml", 255, b"Failed to initialize NVML: Unknown Error\n"), ("mismatch", 18, b"Driver/library version mismatch"),
                ("handle", 255, b"Unable to determine the device handle"), ("no-devices", 6, b"No devices were found\n")]
        for way, status, text in ways:
            self.fault("gpu-lost", **{"as": way, "nth": 1})
            self.good(machine, "true")
            found, out, _ = self.ssh(machine, "nvidia-smi; exit $?")
            self.assertEqual(found, status, way)
            self.assertIn(text, out)
        self.fault("gpu-lost", **{"as": "unknown", "nth": 1})
        self.good(machine, "true")
        self.assertEqual(self.good(machine, QUERY), b"[N/A], [N/A], [N/A], [N/A]\n")
        self.assertEqual(self.good(machine, "echo others work"), b"others work\n")

    def test_a_gpu_that_hangs_lets_nobody_go(self):
        machine = self.rent_running()
        self.fault("gpu-lost", **{"as": "hangs", "nth": 1})
        self.good(machine, "true")
        probe = subprocess.Popen(self.ssh_line(machine, "nvidia-smi"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, env=self.environment)
        self.assertEqual(self.good(machine, "echo others work"), b"others work\n")
        self.assertIsNone(probe.poll())
        probe.kill()
        probe.communicate()

    def test_a_slow_link_takes_its_time(self):
        """In stage time: the fake runs faster than the link says."""
        machine = self.rent_running()
        with open(self.path("file"), "wb") as file:
            file.write(os.urandom(2_000_000))
        self.fault("slow-link", nth=1, kb_per_s=10)
        began = time.monotonic()
        self.assertEqual(self.sftp(machine, "put file far\n")[0], 0)
        took_s = (time.monotonic() - began) * float(self.speed)
        self.assertGreater(took_s, 2_000_000 / 10_000 * 0.8)
        self.control("DELETE", "/v1/faults/slow-link")
        self.assertEqual(self.good(machine, "sha1sum < far").split()[0],
                         subprocess.run(["sha1sum", self.path("file")], capture_output=True, check=True).stdout.split()[0])

    def test_a_killed_command_says_so(self):
        machine = self.rent_running()
        self.fault("oom-or-reboot", nth=1)
        status, _, err = self.ssh(machine, "true")
        self.assertEqual((status, err), (137, b"Killed\n"))
        self.good(machine, "true")

    def test_a_reboot_empties_tmp_and_keeps_the_rest(self):
        machine = self.rent_running()
        self.good(machine, "echo > /tmp/gone; echo kept > /root/kept")
        self.fault("oom-or-reboot", **{"as": "reboot", "nth": 1})
        self.assertEqual(self.ssh(machine, "true")[0], 255)
        machine = self.wait_running(machine.contract)
        deadline = time.monotonic() + host_case.PATIENCE_S
        while self.ssh(machine, "test -e /tmp/gone")[0] != 1:  # what empties it runs beside us
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.good(machine, "cat /root/kept"), b"kept\n")

    def test_noise_comes_before_the_output(self):
        machine = self.rent_running()
        self.fault("ssh-banner-noise", nth=1)
        status, out, err = self.ssh(machine, "echo payload")
        self.assertEqual((status, out), (0, b"payload\n"))
        self.assertTrue(err.startswith(b"Welcome to vast.ai."), err)
        self.fault("ssh-banner-noise", nth=1, stream="stdout")
        self.assertTrue(self.ssh(machine, "echo payload")[1].endswith(b"Have fun!\npayload\n"))
        self.assertNotEqual(self.sftp(machine, "ls\n")[0], 0)  # as behind a .bashrc that prints

    def test_a_vanished_peer_is_silent(self):
        machine = self.rent_running()
        self.fault("ssh-half-open", nth=1)
        options = ["-o", "LogLevel=INFO", "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"]
        status, out, err = self.ssh(machine, "echo heard", options=options)
        self.assertEqual((status, out), (255, b""))
        self.assertIn(b"not responding", err)
        self.assertEqual(self.good(machine, "echo heard"), b"heard\n")

    def test_a_changed_host_key_is_seen(self):
        machine = self.rent_running()
        known = ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={self.path('known')}"]
        accept = ["-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={self.path('known')}"]
        self.assertEqual(self.ssh(machine, "true", options=accept)[0], 0)
        self.assertEqual(self.ssh(machine, "true", options=known)[0], 0)
        self.fault("ssh-hostkey-changed", nth=1)
        status, _, err = self.ssh(machine, "true", options=known)
        self.assertEqual(status, 255)
        self.assertIn(b"Host key verification failed", err)
        self.assertEqual(self.ssh(machine, "true")[0], 0)

    def test_a_busy_sshd_closes_before_its_greeting(self):
        machine = self.rent_running()
        self.fault("ssh-maxstartups", nth=1, count=1)
        status, _, err = self.ssh(machine, "true", options=["-o", "LogLevel=INFO"])
        self.assertEqual(status, 255)
        self.assertIn(b"kex_exchange_identification: Connection closed by remote host", err)
        self.good(machine, "true")

    def rent(self, **members):
        """Rents a machine that may be reached directly too; its contract."""
        _, _, found = self.ask("POST", "/api/v0/bundles/", {"limit": 1, "direct_port_count": {"gte": 4}})
        body = {"client_id": "me", "image": "ubuntu:22.04", "disk": 10, "runtype": "ssh_direc ssh_proxy", **members}
        status, _, answer = self.ask("PUT", f"/api/v0/asks/{found['offers'][0]['id']}/", body)
        self.assertEqual(status, 200, answer)
        return answer["new_contract"]

    def instance(self, contract):
        return self.ask("GET", f"/api/v0/instances/{contract}/")[2]["instances"]

    def wait_status(self, contract, *wanted):
        deadline = time.monotonic() + host_case.PATIENCE_S
        while self.instance(contract)["actual_status"] not in wanted:
            self.assertLess(time.monotonic(), deadline, self.instance(contract)["actual_status"])
        return self.ways_in(contract) if "running" in wanted else None

    def ways_in(self, contract):
        """Its proxy and its direct port, which is known some time after it runs."""
        deadline = time.monotonic() + host_case.PATIENCE_S
        while not self.instance(contract).get("ports"):
            self.assertLess(time.monotonic(), deadline)
        instance = self.instance(contract)
        return (host_case.Machine(contract, instance["ssh_host"], instance["ssh_port"]),
                host_case.Machine(contract, instance["public_ipaddr"].strip(), int(instance["ports"]["22/tcp"][0]["HostPort"])))

    def advance(self, seconds):
        self.assertEqual(self.control("POST", "/v1/clock", {"advance_s": seconds})[0], 200)

    def told(self, machine):
        status, out, err = self.ssh(machine, "true", options=["-o", "LogLevel=INFO", "-o", "ConnectTimeout=2"])
        self.assertEqual((status, out), (255, b""))
        return err.decode()

    def wait_open(self, machine):
        deadline = time.monotonic() + host_case.PATIENCE_S
        while self.ssh(machine, "true")[0] != 0:
            self.assertLess(time.monotonic(), deadline)

    def test_a_port_that_is_not_ready_says_so_in_its_way_and_is_ready_later(self):
        ways = [("ssh-refused", "Connection refused"), ("ssh-banner-stall", "Connection timed out during banner exchange"),
                ("ssh-key-not-synced", "Permission denied (publickey)")]
        for fault, text in ways:
            self.fault(fault, for_s=100000, port="proxy")
            proxy, direct = self.wait_status(self.rent(), "running")
            self.wait_open(direct)
            self.assertIn(text, self.told(proxy))
            self.advance(100000)
            self.wait_open(proxy)
            self.control("DELETE", f"/v1/faults/{fault}")

    def test_a_lost_host_is_gone_and_its_proxy_closes(self):
        self.fault("host-offline", after_s=20000, lag_s=30000)
        proxy, direct = self.wait_status(self.rent(), "running")
        self.wait_open(direct)
        sleeper = subprocess.Popen(self.ssh_line(direct, "cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.environment)
        while self.control("GET", "/v1/state")[1]["ssh"]["programs"] != 1:
            self.assertIsNone(sleeper.poll())
        self.advance(20000)
        self.assertEqual(sleeper.wait(timeout=host_case.PATIENCE_S), 255)
        sleeper.communicate()
        self.assertIn("Connection timed out", self.told(direct))
        self.assertIn("kex_exchange_identification: Connection closed by remote host", self.told(proxy))
        self.assertEqual(self.instance(proxy.contract)["actual_status"], "running")  # the API learns of it later
        self.advance(30000)
        self.wait_status(proxy.contract, "offline")

    def test_a_host_that_returns_has_its_files_and_runs_onstart_again(self):
        self.fault("host-returns", after_s=20000, for_s=40000, lag_s=20)
        proxy, direct = self.wait_status(self.rent(onstart="echo started >> /workspace/starts"), "running")
        self.wait_open(proxy)
        self.good(proxy, "echo kept > /workspace/kept; echo gone > /dev/shm/gone")
        self.good(proxy, "nohup sleep 4243 >/dev/null 2>&1 </dev/null &")
        self.advance(20000)
        self.assertIn("Connection closed", self.told(proxy))
        self.wait_status(proxy.contract, "offline")
        self.advance(40000)
        self.wait_status(proxy.contract, "running")
        self.wait_open(direct)
        self.assertEqual(self.good(proxy, "cat /workspace/kept; pgrep sleep || echo none"), b"kept\nnone\n")
        deadline = time.monotonic() + host_case.PATIENCE_S
        while self.kind == "sandboxed" and self.good(proxy, "cat /workspace/starts") != b"started\nstarted\n":
            self.assertLess(time.monotonic(), deadline)

    def test_a_container_that_does_not_start_lets_nobody_in(self):
        for way, status in (("oci", "created"), ("exits", "exited")):
            self.fault("container-start-failed", **{"as": way, "nth": 1})
            contract = self.rent()
            self.wait_status(contract, status)
            instance = self.instance(contract)
            self.assertEqual("OCI runtime create failed:" in (instance["status_msg"] or ""), way == "oci", instance["status_msg"])
            self.assertIn("refused", self.told(host_case.Machine(contract, instance["ssh_host"], instance["ssh_port"])))


class ModelledFaults(Faults):
    kind = "modelled"

    def test_a_wrong_clock_is_wrong(self):
        machine = self.rent_running()
        before = int(self.good(machine, "date +%s"))
        self.fault("clock-skew", nth=1, skew_s=86400)
        self.assertGreaterEqual(int(self.good(machine, "date +%s")), before + 86400)


class SandboxedFaults(Faults):
    kind = "sandboxed"

    def test_a_torn_snapshot_is_told(self):
        machine = self.rent_running()
        self.fault("torn-snapshot", nth=1)
        status, out, err = self.ssh(machine, "tar cf - /etc/hosts 2>/dev/null")
        self.assertEqual(status, 1)
        self.assertIn(b"file changed as we read it", err)
        self.assertGreater(len(out), 1000)


class Coverage(host_case.fake_case.Case):
    """No fault of these two layers is without a scenario, which is run in virtual time and over sockets, nor without a test here."""
    kind = "modelled"

    def test_every_fault_of_hosts_and_their_ssh_is_tested(self):
        here = os.path.dirname(os.path.abspath(__file__))
        text = "".join(read(os.path.join(here, name)).decode() for name in ("faults.py", "clients.py"))
        played = set()
        for name in os.listdir(os.path.join(here, "..", "..", "scenarios")):
            if name.endswith(".json"):
                played |= set(re.findall(r'"id": "([a-z0-9-]+)"', read(os.path.join(here, "..", "..", "scenarios", name)).decode()))
        faults = json.loads(self.run_fake("faults", "--json").stdout)["faults"]
        counts = {layer: [fault["id"] for fault in faults if fault["layer"] == layer] for layer in ("ssh", "host")}
        self.assertEqual({layer: len(ids) for layer, ids in counts.items()}, {"ssh": 8, "host": 9})
        for fault in counts["ssh"] + counts["host"]:
            self.assertTrue(re.search(rf'["/]{fault}"', text), fault)
            self.assertIn(fault, played, "scenarios")


class Load(host_case.HostCase):
    """What the GPUs do comes from the scenario."""
    kind = "modelled"
    speed = "1000"
    scenario = {"name": "load", "gpu_load": {"steps": [
        {"at_s": 0, "utilization_percent": 0, "memory_used_mib": 1, "temperature_c": 34, "power_w": 25},
        {"at_s": 8000, "utilization_percent": 97, "memory_used_mib": 18432, "temperature_c": 61, "power_w": 341.27}]}}

    def test_the_load_changes_when_its_time_has_come(self):
        machine = self.rent_running()
        self.assertEqual(self.good(machine, QUERY), b"0, 1, 34, 25.00\n")
        self.assertEqual(self.control("POST", "/v1/clock", {"advance_s": 8000})[0], 200)
        deadline = time.monotonic() + host_case.PATIENCE_S
        while self.good(machine, QUERY) != b"97, 18432, 61, 341.27\n":
            self.assertLess(time.monotonic(), deadline)


class SandboxedLoad(Load):
    kind = "sandboxed"


def main():
    host_case.fake_case.settings["fake"] = os.path.abspath(sys.argv[2])
    if globals()[sys.argv[1]].kind == "sandboxed" and not host_case.can_sandbox():
        print("skipped: no sandboxes here")
        sys.exit(77)
    host_case.fake_case.main()


if __name__ == "__main__":
    main()
