#include "rag/ingest/library.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.hpp"
#include "base/utf8.hpp"

namespace segue::rag {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 1'000'000;

/// The bytes of a regular file; what changes while it is read is read as it was found, or refused.
Result<std::string> read_regular(const std::string& file, std::size_t most) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const auto refuse = [&](std::string_view why) {
        if (fd >= 0) ::close(fd);
        return fail(Fault::kIo, fmt::format("cannot read it: {}", why));
    };
    if (fd < 0) return refuse(std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
    struct stat before {};
    if (fstat(fd, &before) != 0 || !S_ISREG(before.st_mode)) return refuse("it is no regular file");
    if (static_cast<std::size_t>(before.st_size) > most) {
        ::close(fd);
        return fail(Fault::kTooLarge,
                    fmt::format("the file has {} MiB; up to {} MiB are read: split it",
                                before.st_size >> 20, most >> 20U));
    }
    std::string bytes(static_cast<std::size_t>(before.st_size) + 1, '\0');
    std::size_t length = 0;
    while (length < bytes.size()) {
        const auto count = ::read(fd, bytes.data() + length, bytes.size() - length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return refuse(std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
        if (count == 0) break;
        length += static_cast<std::size_t>(count);
    }
    struct stat after {};
    const bool same = fstat(fd, &after) == 0 && after.st_size == before.st_size &&
                      after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                      after.st_mtim.tv_nsec == before.st_mtim.tv_nsec &&
                      length == static_cast<std::size_t>(before.st_size);
    ::close(fd);
    if (!same) return fail(Fault::kConflict, "the file changed while it was read; add it again");
    bytes.resize(length);
    return bytes;
}

bool is_direction_mark(std::string_view three) {
    // U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069: they make names look like others.
    return three == "\xE2\x80\x8E" || three == "\xE2\x80\x8F" ||
           (three.starts_with("\xE2\x80") && three[2] >= '\xAA' && three[2] <= '\xAE') ||
           (three.starts_with("\xE2\x81") && three[2] >= '\xA6' && three[2] <= '\xA9');
}

}  // namespace

std::string clean_path(std::string_view path) {
    std::string text = replace_invalid_utf8(path);
    std::replace(text.begin(), text.end(), '\\', '/');
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i + 3 <= text.size() && is_direction_mark(std::string_view(text).substr(i, 3))) {
            i += 2;
            continue;
        }
        const auto c = static_cast<unsigned char>(text[i]);
        plain += c < 32 || c == 127 ? ' ' : text[i];
    }
    std::vector<std::string> parts;
    for (const auto part : split(plain, '/')) {
        const auto name = trim(part);
        if (!name.empty() && name != "." && name != "..") parts.emplace_back(name);
    }
    std::string cleaned = join(parts, "/");
    if (cleaned.size() > 1024) {
        std::size_t from = cleaned.size() - 1024;
        while (continues_code_point(cleaned[from]))
            ++from;
        cleaned.erase(0, from);
    }
    return cleaned;
}

Result<std::vector<SourceFile>> find_files(const std::string& path,
                                           std::vector<std::string>& unreadable) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (error || !fs::exists(status))
        return fail(Fault::kNotFound, fmt::format("{} is not there", path));
    const fs::path root = fs::path(path).lexically_normal();
    if (!fs::is_directory(status))
        return std::vector<SourceFile>{{path, clean_path(root.filename().string())}};
    std::vector<SourceFile> files;
    std::vector<fs::path> folders{root};
    while (!folders.empty()) {
        const fs::path folder = std::move(folders.back());
        folders.pop_back();
        fs::directory_iterator entries(folder, error);
        if (error) {
            unreadable.push_back(folder.string());
            continue;
        }
        for (; entries != fs::directory_iterator(); entries.increment(error)) {
            if (error) break;
            const auto name = entries->path().filename().string();
            if (name.starts_with('.')) continue;
            const auto kind = entries->symlink_status(error);
            if (fs::is_directory(kind)) {
                folders.push_back(entries->path());
            } else if (fs::is_regular_file(kind)) {
                files.push_back({entries->path().string(),
                                 clean_path(entries->path().lexically_relative(root).string())});
                if (files.size() > kMostFiles)
                    return fail(Fault::kTooLarge,
                                fmt::format("{} holds more than {} files; add its parts one by one",
                                            path, kMostFiles));
            }
        }
    }
    std::sort(files.begin(), files.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    return files;
}

Result<Outcome> Library::failed(std::int64_t collection, std::string_view path,
                                std::string_view bytes, std::string_view added_by,
                                std::string problem, const std::optional<Upload>& upload) {
    FailedDocument document;
    document.path = path;
    document.sha256 = bytes.empty() ? "" : sha256_hex(bytes);
    document.bytes = static_cast<std::int64_t>(bytes.size());
    document.added_by = added_by;
    document.problem = std::move(problem);
    document.upload = upload;
    if (const auto format = format_of(path, bytes.substr(0, 4096)))
        document.type = format_name(*format);
    SEGUE_TRY(id, index_.write_failed(collection, document));
    Outcome outcome;
    outcome.kind = Outcome::Kind::kFailed;
    outcome.path = path;
    outcome.problem = document.problem;
    outcome.document = id;
    return outcome;
}

Result<Outcome> Library::add(std::int64_t collection, std::string_view path, std::string_view bytes,
                             std::string_view added_by, const std::optional<Upload>& upload) {
    SEGUE_TRY(known, (pool_.one<std::int64_t, std::string, std::int32_t, std::string>(
                         "SELECT id, sha256, reader, state FROM document WHERE collection = $1 AND "
                         "path = $2",
                         collection, path)));
    Outcome outcome;
    outcome.path = path;
    if (known) {
        const auto& [id, sha256, reader, state] = *known;
        outcome.kind = Outcome::Kind::kChanged;
        if (state == "ready" && reader == kReaderVersion && sha256 == sha256_hex(bytes)) {
            outcome.kind = Outcome::Kind::kUnchanged;
            outcome.document = id;
            return outcome;
        }
    }
    auto read = reader_.read(path, bytes);
    if (!read)
        return failed(collection, path, bytes, added_by, std::move(read).error().detail, upload);
    read->added_by = added_by;
    read->upload = upload;
    SEGUE_TRY(written, index_.write(collection, std::span(&*read, 1)));
    outcome.passages = written.front().passages;
    outcome.fresh = written.front().fresh;
    outcome.document = written.front().document;
    return outcome;
}

Result<Outcome> Library::add_file(std::int64_t collection, const SourceFile& source,
                                  std::string_view added_by) {
    auto bytes = read_regular(source.file, limits_.file_bytes);
    if (!bytes)
        return failed(collection, source.path, {}, added_by, std::move(bytes).error().detail);
    return add(collection, source.path, *bytes, added_by);
}

Result<std::vector<std::string>> Library::remove_others(std::int64_t collection,
                                                        const std::vector<std::string>& paths) {
    SEGUE_TRY(rows, (pool_.query<std::int64_t, std::string>(
                        "SELECT id, path FROM document WHERE collection = $1 AND NOT (path = ANY "
                        "($2::text[])) ORDER BY path",
                        collection, paths)));
    std::vector<std::string> gone;
    std::vector<std::int64_t> ids;
    for (auto& [id, path] : rows) {
        ids.push_back(id);
        gone.push_back(std::move(path));
    }
    if (ids.empty()) return gone;
    SEGUE_TRY(count, index_.remove(ids));
    static_cast<void>(count);
    return gone;
}

}  // namespace segue::rag
