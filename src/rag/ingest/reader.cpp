#include "rag/ingest/reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "rag/ingest/block_wire.hpp"
#include "rag/ingest/sandbox.hpp"

namespace segue::rag {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kFilesAChild = 100;  // then a fresh one: what a file left in a parser goes with it

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

/// True: `size` bytes are there. False: the other side has ended, or the time is over.
bool read_exactly(int fd, char* into, std::size_t size, SteadyClock::time_point deadline) {
    while (size > 0) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
        pollfd wait{fd, POLLIN, 0};
        const int ready = ::poll(
            &wait, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000)));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        const auto count = ::read(fd, into, size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        into += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

std::string text_of_length(std::uint64_t length) {
    std::string text(sizeof length, '\0');
    std::memcpy(text.data(), &length, sizeof length);
    return text;
}

std::uint64_t length_of_text(const char* text) {
    std::uint64_t length = 0;
    std::memcpy(&length, text, sizeof length);
    return length;
}

/// A document's bytes are its pages' texts, each ended by a form feed.
Parsed pages_of(std::string_view text) {
    Parsed parsed;
    for (const auto page : split(text, '\f')) {
        ++parsed.pages;
        const auto read = parse_plain_text(clean_text(decode_text(page)));
        if (!read) continue;
        for (auto block : read->blocks) {
            block.place = {parsed.pages, 0, 0};
            parsed.blocks.push_back(std::move(block));
        }
    }
    if (parsed.pages > 0) --parsed.pages;  // behind the last form feed there is nothing
    return parsed;
}

std::string stem_of(std::string_view path) {
    const auto slash = path.rfind('/');
    std::string name(slash == std::string_view::npos ? path : path.substr(slash + 1));
    if (const auto dot = name.rfind('.'); dot != std::string::npos && dot > 0) name.resize(dot);
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
}

std::string first_line_of(std::string_view text) {
    return std::string(trim(text.substr(0, text.find('\n'))));
}

/// What pdftotext says when it fails, in our words.
std::string pdf_problem(std::string_view said) {
    if (said.find("ncorrect password") != std::string_view::npos)
        return "the PDF is encrypted; save it without a password and add it again";
    if (said.find("not found") != std::string_view::npos)
        return "pdftotext is not installed; install poppler-utils (make deps does) and add the "
               "file "
               "again";
    const auto line = first_line_of(said);
    return fmt::format("the PDF is broken{}; open and save it in a PDF viewer, and add it again",
                       line.empty() ? "" : fmt::format(" ({})", line));
}

}  // namespace

DocumentReader::DocumentReader(std::string program, ReadLimits limits)
    : program_(program.empty() ? "/proc/self/exe" : std::move(program)), limits_(limits) {
}

DocumentReader::~DocumentReader() {
    stop();
}

Result<void> DocumentReader::start() {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0)
        return fail(Fault::kIo, "cannot make a pipe for the parser");
    if (pipe2(out.data(), O_CLOEXEC) != 0) {
        ::close(in[0]);
        ::close(in[1]);
        return fail(Fault::kIo, "cannot make a pipe for the parser");
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::string command = "parse-documents";
    std::string name = "segue";
    const std::array<char*, 3> arguments{name.data(), command.data(), nullptr};
    // Of the environment it needs nothing: keys stay here.
    std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
    // Else mimalloc 3 reserves 1 GiB of addresses at the start: all that the limit leaves, and the
    // stack could grow no further.
    std::string reserve = "MIMALLOC_ARENA_RESERVE=65536";  // KiB
    const std::array<char*, 3> environment{path.data(), reserve.data(), nullptr};
    const int failed = posix_spawn(&child_, program_.c_str(), &actions, nullptr, arguments.data(),
                                   environment.data());
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    if (failed != 0) {
        child_ = 0;
        ::close(in[1]);
        ::close(out[0]);
        return fail(Fault::kIo,
                    fmt::format("cannot start the parser {}: {}", program_,
                                std::strerror(failed)));  // NOLINT(concurrency-mt-unsafe)
    }
    to_child_ = in[1];
    from_child_ = out[0];
    files_ = 0;
    return {};
}

void DocumentReader::stop() {
    if (child_ == 0) return;
    ::close(to_child_);
    ::close(from_child_);
    ::kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_ = 0;
}

std::string DocumentReader::why_it_ended() {
    int status = 0;
    const pid_t ended = waitpid(child_, &status, WNOHANG);
    if (ended != child_) {
        stop();
        return fmt::format("reading it took longer than {} s; split the file",
                           limits_.time.count());
    }
    ::close(to_child_);
    ::close(from_child_);
    child_ = 0;
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        return fmt::format("reading it took longer than {} s; split the file",
                           limits_.time.count());
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return "the parser did what no document needs and was ended; the file is hostile or broken";
    return "the parser ran out of memory or crashed on it; the file is broken, or too large: split "
           "it, or save it again";
}

Result<std::string> DocumentReader::exchange(std::string_view request) {
    const auto deadline = SteadyClock::now() + limits_.time + std::chrono::seconds(5);
    // The child reads everything before it answers, so this cannot block for good.
    const bool sent =
        write_all(to_child_, text_of_length(request.size())) && write_all(to_child_, request);
    std::array<char, sizeof(std::uint64_t)> head{};
    if (!sent || !read_exactly(from_child_, head.data(), head.size(), deadline)) {
        ::usleep(20'000);  // it may be on its way out
        return fail(Fault::kInvalid, why_it_ended());
    }
    const auto length = length_of_text(head.data());
    if (length > limits_.output_bytes * 2) {
        stop();
        return fail(Fault::kTooLarge,
                    fmt::format("more than {} MiB of text came out of it; split the file",
                                limits_.output_bytes >> 20U));
    }
    std::string answer(length, '\0');
    if (!read_exactly(from_child_, answer.data(), answer.size(), deadline))
        return fail(Fault::kInvalid, why_it_ended());
    return answer;
}

Result<Parsed> DocumentReader::parse_in_child(Format format, std::string_view path,
                                              std::string_view bytes) {
    // PDFs and Office files are what exploits are made for: each in a child of its own.
    const bool alone = format == Format::kPdf || format == Format::kDocx ||
                       format == Format::kPptx || format == Format::kXlsx;
    if (child_ != 0 && (alone || files_ >= kFilesAChild)) stop();
    if (child_ == 0) SEGUE_TRY_VOID(start());
    std::string request;
    request.reserve(bytes.size() + path.size() + 32);
    request.append(format_name(format)).append("\n");
    request.append(replace_all(path, "\n", " ")).append("\n").append(bytes);
    auto answer = exchange(request);
    ++files_;
    if (alone) stop();
    if (!answer) return tl::make_unexpected(std::move(answer).error());
    if (format == Format::kPdf) {
        // 'T' and the text of the pages, or 'F' and what pdftotext said.
        if (!answer->starts_with('T'))
            return fail(Fault::kInvalid, pdf_problem(std::string_view(*answer).substr(
                                             std::min<std::size_t>(answer->size(), 1))));
        return pages_of(std::string_view(*answer).substr(1));
    }
    return decode_parsed(*answer);
}

Result<ReadDocument> DocumentReader::read(std::string_view path, std::string_view bytes) {
    if (bytes.size() > limits_.file_bytes)
        return fail(Fault::kTooLarge,
                    fmt::format("the file has {} MiB; up to {} MiB are read: split it",
                                bytes.size() >> 20U, limits_.file_bytes >> 20U));
    SEGUE_TRY(format, format_of(path, bytes.substr(0, 4096)));
    SEGUE_TRY(parsed, parse_in_child(format, path, bytes));
    ReadDocument document;
    document.path = path;
    document.type = format_name(format);
    document.title = parsed.title.empty() ? stem_of(path) : parsed.title;
    if (document.title.size() > 300) {
        std::size_t end = 300;
        while (continues_code_point(document.title[end]))
            --end;
        document.title.resize(end);
    }
    document.sha256 = sha256_hex(bytes);
    document.bytes = static_cast<std::int64_t>(bytes.size());
    document.pages = parsed.pages;
    document.passages = cut(parsed);
    if (document.passages.empty())
        return fail(Fault::kInvalid,
                    format == Format::kPdf
                        ? "the PDF holds no text, only pictures (a scan?); run it through text "
                          "recognition (OCR) and add it again"
                        : "the file holds no text");
    return document;
}

namespace {

bool answer_with(std::string_view text) {
    return write_all(STDOUT_FILENO, text_of_length(text.size())) && write_all(STDOUT_FILENO, text);
}

/// Runs pdftotext on the bytes, itself locked in; 'T' + text or 'F' + what it said.
std::string pdf_to_text(std::string_view bytes, const ReadLimits& limits) {
    const int input = memfd_create("pdf", 0);
    if (input < 0 || !write_all(input, bytes) || lseek(input, 0, SEEK_SET) != 0)
        return "Fcannot hold the file in memory";
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0)
        return "Fcannot make a pipe";
    const pid_t child = fork();  // NOLINT: this process has one thread
    if (child == 0) {
        dup2(input, STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        if (!enter_sandbox(Sandbox::kProgram, limits.memory_bytes, limits.time)) _exit(126);
        execlp("pdftotext", "pdftotext", "-enc", "UTF-8", "-", "-", nullptr);
        constexpr std::string_view kMissing = "pdftotext not found";
        write_all(STDERR_FILENO, kMissing);
        _exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    ::close(input);
    std::string text = "T";
    std::string said = "F";
    std::array<pollfd, 2> ends{{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}}};
    std::string buffer(1U << 16U, '\0');
    bool too_much = false;
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
        for (auto& end : ends) {
            if (end.fd < 0 || end.revents == 0) continue;
            const auto count = ::read(end.fd, buffer.data(), buffer.size());
            if (count <= 0) {
                end.fd = -1;
                continue;
            }
            std::string& into = &end == ends.data() ? text : said;
            if (into.size() < limits.output_bytes)
                into.append(buffer, 0, static_cast<std::size_t>(count));
            else
                too_much = true;
        }
        if (too_much) ::kill(child, SIGKILL);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (too_much) return "Fmore text came out of it than is read; split it";
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        return "Freading it took too long or too much memory; split it";
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return said;
    return text;
}

}  // namespace

int run_parser_child(const ReadLimits& limits) {
    const auto forever = SteadyClock::now() + std::chrono::hours(24);
    bool locked = false;
    while (true) {
        std::array<char, sizeof(std::uint64_t)> head{};
        if (!read_exactly(STDIN_FILENO, head.data(), head.size(), forever)) return 0;
        const auto length = length_of_text(head.data());
        if (length > limits.file_bytes + 65'536) return 2;
        std::string request(length, '\0');
        if (!read_exactly(STDIN_FILENO, request.data(), request.size(), forever)) return 2;
        const std::string_view view(request);
        const auto first = view.find('\n');
        const auto second = view.find('\n', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) return 2;
        const auto format = parse_format(view.substr(0, first));
        const auto path = view.substr(first + 1, second - first - 1);
        const auto bytes = view.substr(second + 1);
        if (!format) return 2;
        if (*format == Format::kPdf) {
            if (!answer_with(pdf_to_text(bytes, limits))) return 2;
            continue;
        }
        if (!locked) {
            // Processor time is counted over all files of this child; each has its own deadline.
            if (!enter_sandbox(Sandbox::kParser, limits.memory_bytes,
                               limits.time * (kFilesAChild / 10)))
                return 3;
            locked = true;
        }
        if (!answer_with(encode_parsed(parse(*format, path, bytes)))) return 2;
    }
}

}  // namespace segue::rag
