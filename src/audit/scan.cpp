#include "audit/scan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "audit/judge.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/walk/ignore.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

constexpr std::size_t kMaxRead = 16U << 20;  // larger files are scanned, not read
constexpr std::size_t kPiece = 1U << 20;

const Matcher& word_scanner() {
    static constexpr std::string_view kStrong[] = {"ollama", "11434"};
    static const Matcher matcher(kStrong);
    return matcher;
}

class File {
public:
    explicit File(const std::string& path)
        : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
    ~File() {
        if (fd_ >= 0) close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    bool ok() const { return fd_ >= 0; }
    /// -1 on an error, 0 at the end.
    ssize_t read_some(char* to, std::size_t size) const {
        while (true) {
            const auto count = ::read(fd_, to, size);
            if (count >= 0 || errno != EINTR) return count;
        }
    }

private:
    int fd_;
};

/// A derived file gets one note, at the first place that holds the word.
bool derived_note(const ParsedFile& file, std::string_view why, Finding& out) {
    const auto text = file.source.text();
    auto at = find_word(text);
    if (!at) at = find_port(text);
    if (!at) return false;
    out = finding_at(file, at->begin, at->end);
    out.rule = 150;
    out.level = Level::kNote;
    out.confidence = Confidence::kCertain;
    out.message = std::string(why) +
                  (why == "vendored" ? ": change it where it comes from" : ": regenerate it");
    out.fix.mode = "none";
    return true;
}

}  // namespace

const Matcher& reference_scanner() {
    static const Matcher matcher(scan_literals());
    return matcher;
}

void read_text(std::string path, std::string bytes, bool outside, const Policy& policy,
               Scanned& out, Keep keep, const Wanted& wanted) {
    if (bytes.starts_with("version https://git-lfs.github.com/spec/")) {
        if (has_word(path)) {
            out.state = Scanned::State::kUnread;
            out.reason = "a Git LFS pointer: fetch the file to audit it";
        }
        return;
    }
    out.file.source = Source(std::move(path), std::move(bytes));
    out.file.outside_git = outside;
    auto& form = out.file.source.form();
    const auto& shown = out.file.source.path();
    const auto listed = [&](const std::vector<std::string>& globs) {
        return std::any_of(globs.begin(), globs.end(),
                           [&](const std::string& glob) { return wildmatch(glob, shown); });
    };
    if (listed(policy.history)) form.history = true;
    if (listed(policy.generated)) form.derived_why = "generated";
    if (listed(policy.vendored)) form.derived_why = "vendored";
    form.derived = !form.derived_why.empty();
    if (form.derived) {
        if (derived_note(out.file, form.derived_why, out.derived))
            out.state = Scanned::State::kDerived;
        out.file = ParsedFile{};
        return;
    }
    if (wanted && !wanted(out.file)) {
        out.file = ParsedFile{};
        return;
    }
    out.file.segments = read_segments(out.file.source);
    out.file.tokens = find_tokens(out.file.source, out.file.segments);
    const auto name =
        std::string_view(out.file.source.path()).substr(out.file.source.path().rfind('/') + 1);
    if (keep < Keep::kAlways && out.file.tokens.empty() && !has_word(name) &&
        (keep == Keep::kWithTokens || !has_letters(out.file.source.text())) &&
        out.file.source.text().find("segue: allow") == std::string_view::npos && !form.manifest) {
        Model served;
        learn_routes(out.file, served);
        out.routes = std::move(served.routes);
        out.file = ParsedFile{};
        return;
    }
    out.file.follow = keep >= Keep::kAlways;
    out.state = Scanned::State::kRead;
}

void scan_file(const WalkedFile& walked, const Policy& policy, const Matcher& matcher, Scanned& out,
               Keep keep, const Wanted& wanted) {
    const File file(walked.absolute);
    if (!file.ok()) {
        out.state = Scanned::State::kUnread;
        out.reason = fmt::format("cannot be opened: {}", std::strerror(errno));
        return;
    }
    std::string bytes;
    if (walked.size <= kMaxRead) bytes.reserve(walked.size + 1);
    std::vector<char> piece;
    Matcher::State state;
    Matcher::State word_state;
    bool too_large = false;
    bool word = false;
    while (true) {
        ssize_t count = 0;
        if (!too_large) {
            const auto old = bytes.size();
            const auto room = std::max<std::size_t>(
                std::min<std::size_t>(kPiece,
                                      walked.size + 1 - std::min<std::uint64_t>(walked.size, old)),
                4096);
            bytes.resize(old + room);
            count = file.read_some(bytes.data() + old, room);
            bytes.resize(old + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
            if (count > 0) {
                const auto fresh = std::string_view(bytes).substr(old);
                if (!out.matched) out.matched = matcher.scan(fresh, state);
                if (bytes.size() > kMaxRead) {
                    too_large = true;
                    word = word_scanner().scan(bytes, word_state);
                    bytes.clear();
                    bytes.shrink_to_fit();
                    piece.resize(kPiece);
                }
            }
        } else {
            count = file.read_some(piece.data(), piece.size());
            if (count > 0 && !word)
                word = word_scanner().scan({piece.data(), static_cast<std::size_t>(count)},
                                           word_state);
        }
        if (count < 0) {
            out.state = Scanned::State::kUnread;
            out.reason = fmt::format("cannot be read: {}", std::strerror(errno));
            return;
        }
        if (count == 0) break;
        out.bytes += static_cast<std::uint64_t>(count);
    }
    if (too_large) {
        if (!word && !walked.named) return;
        out.state = Scanned::State::kUnread;
        out.reason = word
                         ? "larger than 16 MiB: only its bytes were scanned, and they hold the word"
                         : "larger than 16 MiB: only its bytes were scanned";
        return;
    }
    const auto name = std::string_view(walked.path).substr(walked.path.rfind('/') + 1);
    const bool wide =
        bytes.size() >= 2 && bytes.size() < kMaxRead &&
        (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff") || (bytes.find('\0') < 2));
    if (!out.matched && !wide && !has_word(name) && keep != Keep::kForced) {
        const auto form_name = to_lower(name);
        const bool manifest = form_name == "package.json" || form_name == "pyproject.toml" ||
                              form_name == "cargo.toml" || form_name == "go.mod";
        if (!manifest) return;
    }
    if (looks_binary(bytes)) {
        if (word_scanner().matches(bytes)) {
            out.state = Scanned::State::kUnread;
            out.reason = "binary, and its bytes hold the word";
        }
        return;
    }
    read_text(walked.path, std::move(bytes), walked.outside_git, policy, out, keep, wanted);
}

}  // namespace segue::audit
