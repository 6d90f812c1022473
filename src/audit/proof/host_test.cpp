#include "audit/proof/host.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "audit/proof/probes.hpp"

namespace segue::audit {
namespace {

namespace fs = std::filesystem;

/// A machine in a folder: what /proc and /etc would say.
class FakeMachine : public testing::Test {
protected:
    FakeMachine() {
        char name[] = "/tmp/segue-host-XXXXXX";
        root_ = ::mkdtemp(name);
        write("/proc/net/tcp", kHead);
        write("/proc/net/tcp6", kHead);
        write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
        fs::create_directories(root_ + "/root");
    }
    ~FakeMachine() override { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& text) {
        fs::create_directories(fs::path(root_ + path).parent_path());
        std::ofstream(root_ + path, std::ios::binary) << text;
    }
    void process(int pid, const std::string& program, const std::string& arguments,
                 const std::string& environment = "") {
        const std::string folder = "/proc/" + std::to_string(pid);
        write(folder + "/cmdline", arguments);
        write(folder + "/environ", environment);
        fs::create_symlink(program, root_ + folder + "/exe");
    }
    /// A line of /proc/net/tcp; `state` 0A listens, 01 is connected.
    static std::string socket(std::string_view local, std::string_view remote,
                              std::string_view state, int inode) {
        return "   0: " + std::string(local) + " " + std::string(remote) + " " +
               std::string(state) + " 00000000:00000000 00:00000000 00000000     0        0 " +
               std::to_string(inode) + " 1 0000000000000000 100 0 0 10 0\n";
    }
    ProofOptions options() const {
        ProofOptions out;
        out.host = Host(root_);
        out.now = FakeClock().wall();
        out.environment = [](std::string_view) { return std::optional<std::string>(); };
        out.docker_socket = root_ + "/no.sock";
        return out;
    }

    static constexpr const char* kHead =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout inode\n";
    std::string root_;
    std::vector<std::string> unread_;
};

Process made(std::string program, std::vector<std::string> arguments) {
    Process out;
    out.pid = 7;
    out.program = std::move(program);
    out.arguments = std::move(arguments);
    return out;
}

TEST(IsOllama, ItsServerRunnersAndWhoStartsThem) {
    for (const auto& process : {made("/usr/local/bin/ollama", {"ollama", "serve"}),
                                made("/usr/lib/ollama/runners/cuda/llama-server", {"llama-server"}),
                                made("/tmp/ollama4711/runner", {"runner"}),
                                made("/usr/bin/dash", {"sh", "-c", "sleep 1; ollama serve"}),
                                made("/usr/bin/nohup", {"nohup", "/opt/x/ollama", "serve"}),
                                made("/home/a/ollama-linux-amd64 (deleted)", {"./x"})})
        EXPECT_TRUE(is_ollama(process)) << process.program;
    for (const auto& process :
         {made("/usr/bin/segue", {"segue", "rehearse", "engine", "--dialect", "ollama"}),
          made("/usr/bin/dollama", {"dollama"}),
          made("/home/a/acme-ollama-desk/venv/bin/python3", {"python3", "-m", "acme"}),
          made("/usr/bin/vim", {"vim", "docs/ollama.md"}),
          made("/usr/bin/grep", {"grep", "-ri", "ollama"})})
        EXPECT_FALSE(is_ollama(process)) << process.program;
}

TEST_F(FakeMachine, SocketsOfBothFamilies) {
    write("/proc/net/tcp", std::string(kHead) + socket("0100007F:2CAA", "00000000:0000", "0A", 11) +
                               socket("0100007F:9C40", "0800000A:2CAA", "01", 12) +
                               socket("0100007F:9C41", "0100007F:2CAA", "06", 13) +
                               "  broken line\n");
    write("/proc/net/tcp6", std::string(kHead) +
                                socket("00000000000000000000000001000000:2CAA",
                                       "00000000000000000000000000000000:0000", "0A", 14) +
                                socket("0000000000000000FFFF00000900000A:0050",
                                       "0000000000000000FFFF00000800000A:2CAA", "01", 15));
    const auto seen = Host(root_).sockets({}, unread_);
    ASSERT_EQ(seen.size(), 4U);  // one in TIME_WAIT belongs to nobody
    EXPECT_TRUE(seen[0].listening);
    EXPECT_EQ(seen[0].local, "127.0.0.1");
    EXPECT_EQ(seen[0].local_port, 11434);
    EXPECT_EQ(seen[1].remote, "10.0.0.8");
    EXPECT_EQ(seen[1].remote_port, 11434);
    EXPECT_EQ(seen[2].local, "::1");
    EXPECT_EQ(seen[3].remote, "10.0.0.8");
    EXPECT_TRUE(unread_.empty());
    fs::remove_all(root_ + "/proc/net");
    (void)Host(root_).sockets({}, unread_);
    EXPECT_FALSE(unread_.empty());
}

TEST_F(FakeMachine, OwnersOfSockets) {
    process(42, "/usr/bin/x", std::string("x\0", 2));
    fs::create_directories(root_ + "/proc/42/fd");
    fs::create_symlink("socket:[11]", root_ + "/proc/42/fd/5");
    fs::create_symlink("/dev/null", root_ + "/proc/42/fd/1");
    EXPECT_EQ(Host(root_).owners({11, 12}), (std::map<std::uint64_t, int>{{11, 42}}));
}

TEST_F(FakeMachine, ProcessesAndNamesOfTheirVariables) {
    process(1, "/sbin/init", std::string("init\0", 5));
    process(42, "/usr/bin/python3.11", std::string("python3\0app.py\0", 15),
            std::string("PATH=/bin\0OLLAMA_HOST=http://user:secret@box:11434\0", 50));
    write("/proc/2/cmdline", "");  // a thread of the kernel
    const auto seen = Host(root_).processes(unread_);
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[1].label(), "42 (python3.11)");
    EXPECT_EQ(seen[1].environment, (std::vector<std::string>{"PATH", "OLLAMA_HOST"}));
    EXPECT_TRUE(unread_.empty());
}

TEST_F(FakeMachine, WhatStartsItAndWhatIsLeft) {
    write("/etc/passwd",
          "root:x:0:0::/root:/bin/sh\nollama:x:998:998::/usr/share/ollama:/bin/false\n");
    write("/etc/systemd/system/ollama.service",
          "[Service]\nExecStart=/usr/local/bin/ollama serve\n");
    write("/etc/systemd/system/nightly.service", "[Service]\nExecStart=/opt/run-ollama-eval\n");
    write("/etc/systemd/system/other.service",
          "# After=ollama.service\n[Service]\nExecStart=/bin/true\n");
    fs::create_directories(root_ + "/etc/systemd/system/default.target.wants");
    fs::create_symlink("../ollama.service",
                       root_ + "/etc/systemd/system/default.target.wants/ollama.service");
    write("/etc/cron.d/models",
          "# ollama pull x\n@reboot root /usr/local/bin/ollama pull llama3.2\n");
    write("/root/.config/autostart/chat.desktop", "[Desktop Entry]\nExec=ollama serve\n");
    write("/usr/local/bin/ollama", "x");
    write("/root/.ollama/models/blob", std::string(2'000'000, 'x'));
    const auto seen = Host(root_).timetable(unread_);
    EXPECT_EQ(seen.active,
              (std::vector<std::string>{
                  "unit ollama.service",
                  "/etc/cron.d/models: @reboot root /usr/local/bin/ollama pull llama3.2",
                  "autostart /root/.config/autostart/chat.desktop"}));
    EXPECT_EQ(seen.left, (std::vector<std::string>{"user ollama", "unit nightly.service",
                                                   "program /usr/local/bin/ollama",
                                                   "models /root/.ollama (2.0 MB)"}));
}

TEST_F(FakeMachine, NothingIsThere) {
    process(1, "/sbin/init", std::string("init\0", 5));
    Report report;
    report.root = root_;
    const auto record = prove(report, options());
    const auto part = [&](std::string_view id) {
        return *std::find_if(record.parts.begin(), record.parts.end(),
                             [&](const auto& one) { return one.id == id; });
    };
    EXPECT_EQ(part("SEG204").standing, evidence::Standing::kClean) << part("SEG204").says;
    EXPECT_EQ(part("SEG206").standing, evidence::Standing::kClean) << part("SEG206").says;
    EXPECT_EQ(part("SEG205").standing, evidence::Standing::kNotLookedAt);
    EXPECT_EQ(part("SEG208").standing, evidence::Standing::kNotLookedAt)
        << "the named socket is not there";
    EXPECT_EQ(part("SEG207").standing, evidence::Standing::kNotLookedAt)
        << "containers were not seen";
    EXPECT_FALSE(record.holds) << "SEG201 is required, and no gateway was named";

    auto narrow = options();
    narrow.required = {"SEG204", "SEG206"};
    EXPECT_TRUE(prove(report, narrow).holds);
}

TEST_F(FakeMachine, EachBadThingSpoilsTheClaim) {
    process(1, "/sbin/init", std::string("init\0", 5));
    Report report;
    report.root = root_;
    auto narrow = options();
    narrow.required = {"REFERENCES"};
    EXPECT_TRUE(prove(report, narrow).holds);

    process(9, "/usr/bin/ollama", std::string("ollama\0serve\0", 13));
    EXPECT_FALSE(prove(report, narrow).holds);
    fs::remove_all(root_ + "/proc/9");
    EXPECT_TRUE(prove(report, narrow).holds);

    process(9, "/usr/bin/python3", std::string("python3\0", 8), std::string("OLLAMA_HOST=x\0", 14));
    EXPECT_FALSE(prove(report, narrow).holds);
    fs::remove_all(root_ + "/proc/9");

    // Container to container: no socket of this machine, but its kernel passed it on.
    write("/proc/net/nf_conntrack",
          "ipv4     2 tcp      6 431999 ESTABLISHED src=10.1.0.5 dst=10.1.0.9 sport=40000 "
          "dport=11434 src=10.1.0.9 dst=10.1.0.5 sport=11434 dport=40000 [ASSURED] mark=0 use=2\n"
          "ipv4     2 udp      17 29 src=10.1.0.5 dst=10.1.0.9 sport=40000 dport=11434\n"
          "a broken line tcp  dport=x\n");
    const auto tracked = Host(root_).tracked();
    ASSERT_TRUE(tracked);
    ASSERT_EQ(tracked->size(), 1U);
    EXPECT_EQ(tracked->front().remote, "10.1.0.9");
    EXPECT_FALSE(prove(report, narrow).holds) << "a tracked connection to 11434";
    fs::remove(root_ + "/proc/net/nf_conntrack");
    EXPECT_FALSE(Host(root_).tracked());
    EXPECT_TRUE(prove(report, narrow).holds);

    write("/proc/net/tcp", std::string(kHead) + socket("0100007F:9C40", "0800000A:2CAA", "01", 12));
    EXPECT_FALSE(prove(report, narrow).holds) << "a connection to 11434";
    write("/proc/net/tcp", kHead);

    Finding finding;
    finding.rule = 124;
    finding.level = Level::kWarning;
    report.findings = {finding};
    EXPECT_FALSE(prove(report, narrow).holds);
    narrow.claim = ProofClaim::kRuntimeFree;
    EXPECT_TRUE(prove(report, narrow).holds) << "documentation keeps nothing running";
    report.findings[0].rule = 113;
    report.findings[0].level = Level::kError;
    EXPECT_FALSE(prove(report, narrow).holds) << "an image does";
    report.findings[0].suppressed = "by agreement";
    EXPECT_TRUE(prove(report, narrow).holds);
    narrow.claim = ProofClaim::kReferenceFree;
    EXPECT_TRUE(prove(report, narrow).holds);
    report.findings[0].suppressed_until = "2027-01-01";
    EXPECT_FALSE(prove(report, narrow).holds) << "it is there until that day";
}

TEST(Addresses, OutOfFindings) {
    Report report;
    const auto add = [&](std::string snippet, std::vector<int> also = {}) {
        Finding finding;
        finding.rule = 104;
        finding.level = Level::kError;
        finding.path = "a";
        finding.line = 1;
        finding.snippet = std::move(snippet);
        finding.also = std::move(also);
        report.findings.push_back(std::move(finding));
    };
    add("OLLAMA_URL=http://box.example:11434/api");
    add("- \"8434:11434\"");
    add("- \"11434:11434\"");
    add("url = \"http://user:pw@10.0.0.9:11500\"");
    add("PORT = 11434");
    add("http://${HOST}:11434");
    add("http://in-a-test:11434", {121});
    std::vector<std::string> seen;
    for (const auto& address : addresses_of(report))
        seen.push_back(address.host + ":" + std::to_string(address.port));
    EXPECT_EQ(seen, (std::vector<std::string>{"box.example:11434", "localhost:8434",
                                              "localhost:11434", "10.0.0.9:11500"}));
}

}  // namespace
}  // namespace segue::audit
