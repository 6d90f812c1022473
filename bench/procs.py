"""Processes of `make bench`: pinned to a core, watched (processor time, memory), paused while others are measured, ended for sure."""
import ctypes
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
CPUCLOCK_SCHED = 2    # linux/posix-timers.h: the precise clock of a whole process, exited threads included


def raise_file_limit():
    """5,000 streams are 10,000 sockets of a proxy. Answers what a process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


def cores():
    """The core of the upstream and the load generator, and that of the proxy under test."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


class Running:
    """One started command and everything that it started (its session)."""

    def __init__(self, command, core, folder, environment=None):
        self.log = folder / "output.log"
        libc = ctypes.CDLL(None)

        def in_child():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.sched_setaffinity(0, {core})

        inherited = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], cwd=folder, env={**inherited, **(environment or {})}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=in_child)

    def ended(self):
        return self.process.poll() is not None

    def last_words(self):
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:200] if lines else f"ended with code {self.process.returncode} and said nothing"

    def pids(self):
        """Processes of the session; the leader may have renamed itself, not its session."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[3]) == self.process.pid:
                    found.append(int(entry.name))
        return found

    def cpu(self):
        """Processor seconds so far, to the nanosecond where the kernel lets us (/proc/PID/stat counts in 10 ms)."""
        total = 0.0
        for pid in self.pids():
            try:
                total += time.clock_gettime(~pid << 3 | CPUCLOCK_SCHED)
            except OSError:
                try:
                    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                    total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                except OSError:
                    pass
        return total

    def memory(self, line):
        """Sum of VmRSS or VmHWM of all its processes, in KiB."""
        total = 0
        for pid in self.pids():
            try:
                for text in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if text.startswith(line + ":"):
                        total += int(text.split()[1])
            except OSError:
                pass
        return total

    def forget_peak(self):
        for pid in self.pids():
            try:
                Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                pass    # not allowed: the peak is then that of its whole life

    def signal(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def stop(self):
        self.signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            pass
        self.signal(signal.SIGKILL)
        self.process.wait(5)


def machine_busy():
    """Busy seconds of all cores since the start, what the hypervisor took included."""
    fields = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
