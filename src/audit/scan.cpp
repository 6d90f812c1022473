#include "audit/scan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "audit/judge.hpp"
#include "audit/paths.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/walk/ignore.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

constexpr std::size_t kMaxRead = 16U << 20;     // larger files are scanned, not read
constexpr std::size_t kHead = 64U << 10;        // tells what kind of file it is
constexpr std::uint64_t kMaxNear = 512U << 10;  // of what is read as context: a larger one is data
constexpr std::size_t kPiece = 256U << 10;  // of a file that is only looked through: fits the cache

const Matcher& word_scanner() {
    static constexpr std::string_view kStrong[] = {"ollama", "11434"};
    static const Matcher matcher(kStrong);
    return matcher;
}

/// A comment that allows a finding: rare, and asked of every file that may hold nothing else.
bool holds_allowance(std::string_view text) {
    static constexpr std::string_view kAllow[] = {"segue: allow"};
    static const Matcher matcher(kAllow);
    return matcher.matches(text) && text.find(kAllow[0]) != std::string_view::npos;
}

/// Bytes that are overwritten by every file of a thread, and never cleared.
class Buffer {
public:
    static Buffer& of_thread() {
        thread_local Buffer buffer;
        return buffer;
    }
    char* data() { return bytes_.get(); }
    std::size_t room() const { return room_; }
    std::string_view first(std::size_t count) const { return {bytes_.get(), count}; }
    /// Keeps the first `kept` bytes.
    void grow(std::size_t room, std::size_t kept) {
        if (room <= room_) return;
        auto larger = std::make_unique_for_overwrite<char[]>(room);
        if (kept > 0) std::memcpy(larger.get(), bytes_.get(), kept);
        bytes_ = std::move(larger);
        room_ = room;
    }
    /// What a single large file took is given back.
    void shrink() {
        if (room_ > 4 * kPiece) *this = Buffer();
    }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t room_ = 0;
};

class File {
public:
    /// What became a pipe or a link since it was listed is not waited for, and not followed.
    explicit File(const WalkedFile& walked)
        : fd_(open(walked.absolute.c_str(),
                   O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (walked.named ? 0 : O_NOFOLLOW))),
          gone_(fd_ < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)),
          problem_(fd_ < 0 ? std::string("cannot be opened: ") + std::strerror(errno) : "") {
        struct stat facts {};
        if (fd_ < 0 || fstat(fd_, &facts) != 0) return;
        size_ = static_cast<std::uint64_t>(facts.st_size);
        gone_ = !S_ISREG(facts.st_mode);
        if (gone_) problem_ = "is not a regular file";
    }
    ~File() {
        if (fd_ >= 0) close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    /// Why it is not to be read; empty when it is.
    const std::string& problem() const { return problem_; }
    /// There is no file of that name.
    bool gone() const { return gone_; }
    /// When it was opened.
    std::uint64_t size() const { return size_; }
    /// Until there are `size` bytes or the file ends, as long as it was when it was opened; how
    /// many there are, or -1 on an error.
    ssize_t read(char* to, std::size_t size) {
        std::size_t have = 0;
        while (have < size) {
            const auto count = ::read(fd_, to + have, size - have);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return -1;
            if (count == 0) break;
            have += static_cast<std::size_t>(count);
            at_ += static_cast<std::uint64_t>(count);
            if (at_ == size_) break;  // not to be told so by another call
        }
        return static_cast<ssize_t>(have);
    }

private:
    int fd_;
    bool gone_;
    std::uint64_t at_ = 0;
    std::uint64_t size_ = 0;
    std::string problem_;
};

/// A derived file gets one note, at the first place that holds the word.
bool derived_note(const ParsedFile& file, std::string_view why, Finding& out) {
    const auto text = file.source.text();
    if (!word_scanner().matches(text)) return false;
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

void prepare_scanners() {
    (void)reference_scanner();
    prepare_token_scanner();
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
    if (keep == Keep::kUncut) {
        out.file.follow = Follow::kAll;
        out.state = Scanned::State::kRead;
        return;
    }
    const auto text = out.file.source.text();
    const bool needs_token = keep < Keep::kAlways && !has_word(base_name(shown)) &&
                             (keep == Keep::kWithTokens || !has_letters(text)) &&
                             !holds_allowance(text) && !form.manifest;
    const bool may_hold = !needs_token || may_hold_tokens(text);
    if (may_hold || may_serve_routes(text)) out.file.segments = read_segments(out.file.source);
    if (may_hold) out.file.tokens = find_tokens(out.file.source, out.file.segments);
    if (needs_token && out.file.tokens.empty()) {
        Model served;
        learn_routes(out.file, served);
        out.routes = std::move(served.routes);
        out.file = ParsedFile{};
        return;
    }
    out.file.follow = keep == Keep::kHanded   ? Follow::kWhatReachesIt
                      : keep >= Keep::kAlways ? Follow::kAll
                                              : Follow::kNothing;
    out.state = Scanned::State::kRead;
}

void cut(ParsedFile& file) {
    file.segments = read_segments(file.source);
    file.tokens = find_tokens(file.source, file.segments);
}

namespace {

/// One file of the tree on its way from the disk: as little of it is looked at as decides.
class Reading {
public:
    Reading(const WalkedFile& walked, Scanned& out)
        : walked_(walked), out_(out), file_(walked), buffer_(Buffer::of_thread()) {
        // git lists what was removed, too, and links.
        const bool listed_by_git = walked.near || walked.changed;
        if (!file_.problem().empty() && !(listed_by_git && file_.gone())) unread(file_.problem());
    }
    ~Reading() { buffer_.shrink(); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    /// The text of a file that is worth reading; none when what there is to say was said.
    std::optional<std::string_view> text() {
        if (!file_.problem().empty() || (walked_.near && file_.size() > kMaxNear) ||
            !read_to(kHead))
            return std::nullopt;
        if (!looks_binary(buffer_.first(have_))) {
            if (!read_to(kMaxRead + 1)) return std::nullopt;
            if (have_ <= kMaxRead) return buffer_.first(have_);
        }
        const auto word = rest_holds_word();
        if (!word) return std::nullopt;
        out_.matched = *word;
        if (out_.bytes > kMaxRead) {
            if (*word || walked_.named)
                unread(std::string("larger than 16 MiB: only its bytes were scanned") +
                       (*word ? ", and they hold the word" : ""));
        } else if (*word) {
            unread("binary, and its bytes hold the word");
        }
        return std::nullopt;
    }

private:
    void unread(std::string reason) {
        out_.state = Scanned::State::kUnread;
        out_.reason = std::move(reason);
    }
    /// Reads on until `size` bytes are there or the file ends.
    bool read_to(std::size_t size) {
        while (!ended_ && have_ < size) {
            // One byte more than there are: the read that comes short is the last.
            const auto all = file_.size();
            const auto said = all > have_ ? all + 1 : 2 * have_ + 4096;
            const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(said, size));
            buffer_.grow(std::max(wanted, kHead), have_);
            if (!read_at(have_, wanted - have_)) return false;
        }
        return true;
    }
    bool read_at(std::size_t at, std::size_t size) {
        const auto count = file_.read(buffer_.data() + at, size);
        if (count < 0) {
            unread(fmt::format("cannot be read: {}", std::strerror(errno)));
            return false;
        }
        have_ = at + static_cast<std::size_t>(count);
        ended_ = static_cast<std::size_t>(count) < size;
        out_.bytes += static_cast<std::uint64_t>(count);
        return true;
    }
    /// Of what is there and all that follows, piece by piece; none when it cannot be read.
    std::optional<bool> rest_holds_word() {
        bool word = word_scanner().matches(buffer_.first(have_));
        const auto overlap = word_scanner().longest() - 1;
        buffer_.grow(kPiece, have_);
        while (!ended_) {
            const auto kept = std::min(have_, overlap);
            std::memmove(buffer_.data(), buffer_.data() + have_ - kept, kept);
            if (!read_at(kept, kPiece - kept)) return std::nullopt;
            word = word || word_scanner().matches(buffer_.first(have_));
        }
        return word;
    }

    const WalkedFile& walked_;
    Scanned& out_;
    File file_;
    Buffer& buffer_;
    std::size_t have_ = 0;
    bool ended_ = false;
};

/// Most of what the search finds is part of another name, and the largest files hold the most: that
/// is told before they are copied and cut into lines.
bool may_matter(std::string_view path, std::string_view bytes) {
    return may_hold_tokens(bytes) || word_scanner().matches(bytes) || holds_allowance(bytes) ||
           may_serve_routes(bytes) || classify(path, {}).manifest;
}

/// Its letters may stand two bytes apart: no scan finds them.
bool may_be_wide(std::string_view bytes) {
    return bytes.size() >= 2 && bytes.size() < kMaxRead &&
           (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff") || bytes[0] == '\0' ||
            bytes[1] == '\0');
}

}  // namespace

void scan_file(const WalkedFile& walked, const Policy& policy, const Search& search, Scanned& out,
               Keep keep, const Wanted& wanted) {
    Reading reading(walked, out);
    const auto bytes = reading.text();
    if (!bytes) return;
    out.matched = search(*bytes);
    const auto name = base_name(walked.path);
    if (keep < Keep::kForced && !has_word(name) && !may_be_wide(*bytes)) {
        if (!out.matched) {
            const auto form_name = to_lower(name);
            const bool manifest = form_name == "package.json" || form_name == "pyproject.toml" ||
                                  form_name == "cargo.toml" || form_name == "go.mod";
            if (!manifest) return;
        } else if (keep < Keep::kAlways && !may_matter(walked.path, *bytes)) {
            return;
        }
    }
    read_text(walked.path, std::string(*bytes), walked.outside_git, policy, out, keep, wanted);
}

}  // namespace segue::audit
