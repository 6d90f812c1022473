#include "audit/scan.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace segue::audit {
namespace {

class Scan : public testing::Test {
protected:
    Scan() {
        char name[] = "/tmp/segue-scan-XXXXXX";
        folder_ = ::mkdtemp(name);
    }
    ~Scan() override { std::filesystem::remove_all(folder_); }

    Scanned scan(const std::string& name, const std::string& text, std::uint64_t walked_size) {
        std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
        return scan_again(name, walked_size);
    }
    Scanned scan_again(const std::string& name, std::uint64_t walked_size) const {
        Scanned out;
        scan_file(
            {name, folder_ + "/" + name, walked_size, false, false}, {},
            [](std::string_view bytes) { return reference_scanner().matches(bytes); }, out);
        return out;
    }

    std::string folder_;
};

TEST_F(Scan, AFileThatVanishedIsNamed) {
    const auto gone = scan_again("gone.py", 100);
    EXPECT_EQ(gone.state, Scanned::State::kUnread);
    EXPECT_EQ(gone.reason, "cannot be opened: No such file or directory");
}

TEST_F(Scan, AFileThatBecameAFolderIsNamed) {
    std::filesystem::create_directory(folder_ + "/now.py");
    const auto folder = scan_again("now.py", 100);
    EXPECT_EQ(folder.state, Scanned::State::kUnread);
    EXPECT_EQ(folder.reason, "is not a regular file");
}

TEST_F(Scan, AFileThatBecameAPipeOrALinkIsNamedAndNotWaitedFor) {
    ASSERT_EQ(mkfifo((folder_ + "/now.py").c_str(), 0600), 0);
    EXPECT_EQ(scan_again("now.py", 100).reason, "is not a regular file");
    std::ofstream(folder_ + "/real.py") << "import ollama\n";
    std::filesystem::create_symlink("real.py", folder_ + "/link.py");
    EXPECT_EQ(scan_again("link.py", 100).state, Scanned::State::kUnread);
}

TEST_F(Scan, RecordedTrafficIsDerived) {
    const std::string text = "Host: localhost:11434\n\n{\"model\":\"llama3.2:3b\"}\n";
    EXPECT_EQ(scan("chat.httprr", text, 0).state, Scanned::State::kDerived);
    EXPECT_EQ(scan("chat.http", text, 0).state, Scanned::State::kRead);
    std::filesystem::create_directories(folder_ + "/tests/cassettes");
    const auto cassette = scan("tests/cassettes/chat.yaml", text, 0);
    EXPECT_EQ(cassette.state, Scanned::State::kDerived);
    EXPECT_EQ(cassette.derived.message, "a recording: regenerate it");
    EXPECT_EQ(scan("tests/cassettes/chat.py", text, 0).state, Scanned::State::kRead);
}

TEST_F(Scan, AFileThatGrewOrShrankIsReadAsItIs) {
    for (const std::uint64_t size : {0U, 3U, 14U, 4096U, 4'000'000U}) {
        const auto seen = scan("a.py", "import ollama\n", size);
        EXPECT_EQ(seen.state, Scanned::State::kRead) << size;
        EXPECT_EQ(seen.file.source.text(), "import ollama\n") << size;
    }
    // Beyond what is read it is only looked through, whatever the walk saw.
    const auto large = scan("b.py", std::string(17U << 20, 'x') + "\nimport ollama\n", 10);
    EXPECT_EQ(large.state, Scanned::State::kUnread);
    EXPECT_TRUE(large.reason.starts_with("larger than 16 MiB")) << large.reason;
    EXPECT_EQ(scan("c.py", std::string(17U << 20, 'x'), 10).state, Scanned::State::kNothing);
}

TEST_F(Scan, ABinaryFileIsLookedThroughToItsEnd) {
    const std::string head("\0\1\2\3 12345678", 12);
    // The word at the end, and where two pieces meet.
    for (const std::size_t before :
         {0U, 8'000U, 65'530U, 262'130U, 262'140U, 900'000U, 17U << 20}) {
        const auto text = head + std::string(before, 'x') + "Ollama";
        for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{text.size()}}) {
            const auto seen = scan("a.bin", text, size);
            EXPECT_EQ(seen.state, Scanned::State::kUnread) << before;
            EXPECT_EQ(seen.reason.starts_with("larger than 16 MiB"), before > (16U << 20));
            EXPECT_EQ(seen.bytes, text.size());
        }
    }
    EXPECT_EQ(scan("a.bin", head + std::string(900'000, 'x'), 0).state, Scanned::State::kNothing);
    EXPECT_EQ(scan("a.bin", head + "/api/chat", 0).state, Scanned::State::kNothing);
}

}  // namespace
}  // namespace segue::audit
