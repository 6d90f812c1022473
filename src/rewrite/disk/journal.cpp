#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "audit/walk/git.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "rewrite/disk/tree.hpp"

namespace segue::rewrite {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPatchName = "segue-rewrite.patch";

/// One file of a write: enough to tell how far it got and to take it back.
struct Entry {
    std::string old_path;
    std::string new_path;
    std::string before;  // SHA-256; empty when there was none
    std::string after;
    std::string backup;  // name of the saved bytes
    std::uint32_t mode = 0100644;
};

struct Journal {
    std::string state;  // writing, done
    std::string step;
    std::string root;
    std::vector<Entry> files;
};

/// In git's own folder where there is one: it never shows up as a change.
std::string records_of(const std::string& root, const std::string& git_folder) {
    return git_folder.empty() ? root + "/.segue-rewrite" : git_folder + "/segue-rewrite";
}

/// Numbered folders, one a write; the highest is the latest.
std::vector<int> numbers_in(const std::string& records) {
    std::vector<int> numbers;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(records, error)) {
        const auto name = entry.path().filename().string();
        if (!name.empty() && name.find_first_not_of("0123456789") == std::string::npos &&
            fs::exists(entry.path() / "journal.json"))
            numbers.push_back(std::stoi(name));
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

std::string journal_text(const Journal& journal) {
    std::string out;
    json::Writer writer(out);
    writer.begin_object();
    writer.member("schema", "segue-rewrite-journal/1").member("state", journal.state);
    writer.member("step", journal.step).member("root", journal.root);
    writer.key("files").begin_array();
    for (const auto& entry : journal.files) {
        writer.begin_object();
        writer.member("old", entry.old_path).member("new", entry.new_path);
        writer.member("before", entry.before).member("after", entry.after);
        writer.member("backup", entry.backup).member("mode", entry.mode);
        writer.end_object();
    }
    writer.end_array().end_object();
    return out + "\n";
}

Result<Journal> read_journal(const std::string& folder) {
    SEGUE_TRY(text, read_file(folder + "/journal.json"));
    json::Parser parser;
    const auto value = parser.parse(text);
    if (!value)
        return fail(Fault::kInvalid,
                    fmt::format("the journal {}/journal.json is damaged ({}); take the change back "
                                "with: git apply -R {}",
                                folder, value.error().reason, kPatchName));
    Journal journal;
    journal.state = (*value)["state"].string();
    journal.step = (*value)["step"].string();
    journal.root = (*value)["root"].string();
    for (const auto& file : (*value)["files"])
        journal.files.push_back(
            {std::string(file["old"].string()), std::string(file["new"].string()),
             std::string(file["before"].string()), std::string(file["after"].string()),
             std::string(file["backup"].string()),
             static_cast<std::uint32_t>(file["mode"].integer().value_or(0644))});
    return journal;
}

/// Empty when there is no such file.
std::string hash_of(const std::string& path) {
    const auto bytes = read_file(path);
    return bytes ? sha256_hex(*bytes) : std::string();
}

Result<void> put(const std::string& path, std::string_view bytes, std::uint32_t mode) {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    SEGUE_TRY_VOID(replace_file(path, bytes, static_cast<FileAccess>(mode & 0777)));
    (void)::chmod(path.c_str(), mode & 07777);  // the umask took bits away
    return {};
}

/// Removes a file and the folders that it leaves empty, up to the root.
void drop(const std::string& root, const std::string& path) {
    ::unlink((root + "/" + path).c_str());
    for (auto folder = fs::path(path).parent_path(); !folder.empty(); folder = folder.parent_path())
        if (::rmdir((root + "/" + folder.string()).c_str()) != 0) break;
}

Result<void> take_back(const Journal& journal, const std::string& folder) {
    const auto at = [&](const std::string& path) { return journal.root + "/" + path; };
    std::vector<std::string> changed;
    for (const auto& entry : journal.files) {
        if (!entry.new_path.empty())
            ::unlink((at(entry.new_path) + ".new").c_str());  // of a write that was killed
        const auto now = entry.new_path.empty() ? std::string() : hash_of(at(entry.new_path));
        const bool moved = entry.new_path != entry.old_path;
        const bool fine = now == entry.after || now == entry.before || (moved && now.empty());
        if (!fine) changed.push_back(entry.new_path);
        if (moved && !entry.old_path.empty()) {
            const auto old = hash_of(at(entry.old_path));
            if (!old.empty() && old != entry.before) changed.push_back(entry.old_path);
        }
    }
    if (!changed.empty())
        return fail(
            Fault::kConflict,
            fmt::format("{} changed since the rewrite; nothing was undone. put {} back as "
                        "it was, or take the rest back by hand: git apply -R --reject {}",
                        join(changed, ", "), changed.size() == 1 ? "it" : "them", kPatchName));
    for (const auto& entry : journal.files) {
        if (!entry.old_path.empty() && hash_of(at(entry.old_path)) != entry.before) {
            SEGUE_TRY(bytes, read_file(folder + "/" + entry.backup));
            SEGUE_TRY_VOID(put(at(entry.old_path), bytes, entry.mode));
        }
        if (!entry.new_path.empty() && entry.new_path != entry.old_path)
            drop(journal.root, entry.new_path);
    }
    return {};
}

void forget(const std::string& records, const std::string& folder) {
    std::error_code error;
    fs::remove_all(folder, error);
    ::rmdir(records.c_str());  // when it is empty
}

/// All that can be known before the first byte is written.
Result<void> check_writable(const LoadedTree& tree, const Plan& plan) {
    for (const auto& file : plan.files) {
        const auto& path = file.old_path.empty() ? file.new_path : file.old_path;
        if (!file.old_path.empty() && hash_of(tree.root + "/" + path) != sha256_hex(file.before))
            return fail(Fault::kConflict,
                        fmt::format("{} changed while the rewrite was planned; nothing was "
                                    "written. run it again",
                                    path));
        if (file.new_path != file.old_path && !file.new_path.empty() &&
            fs::exists(tree.root + "/" + file.new_path))
            return fail(Fault::kConflict,
                        fmt::format("{} is there already; nothing was written. move it away and "
                                    "run again",
                                    file.new_path));
        auto folder = fs::path(tree.root + "/" + path).parent_path();
        while (!fs::exists(folder) && folder.has_parent_path())
            folder = folder.parent_path();
        if (::access(folder.c_str(), W_OK) != 0)
            return fail(Fault::kIo, fmt::format("cannot write in {} ({}); nothing was changed",
                                                folder.string(), std::strerror(errno)));
    }
    return {};
}

}  // namespace

Result<Written> write_plan(const LoadedTree& tree, const Plan& plan) {
    const auto records = records_of(tree.root, tree.git_folder);
    const auto old_numbers = numbers_in(records);
    if (!old_numbers.empty()) {
        const auto last = read_journal(fmt::format("{}/{}", records, old_numbers.back()));
        if (last && last->state == "writing")
            return fail(Fault::kConflict,
                        "an earlier rewrite was interrupted while it wrote; run segue rewrite undo "
                        "first");
    }
    SEGUE_TRY_VOID(check_writable(tree, plan));
    const auto folder =
        fmt::format("{}/{}", records, old_numbers.empty() ? 1 : old_numbers.back() + 1);
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
        return fail(Fault::kIo, fmt::format("cannot make {} ({}); nothing was changed", folder,
                                            error.message()));
    Journal journal;
    journal.state = "writing";
    journal.step = std::string(step_name(plan.step));
    journal.root = tree.root;
    const auto give_up = [&](const Error& why) -> tl::unexpected<Error> {
        auto back = take_back(journal, folder);
        if (back) forget(records, folder);
        ::unlink(fmt::format("{}/{}", tree.root, kPatchName).c_str());
        return fail(why.fault,
                    back ? why.detail + "; the tree is as it was"
                         : why.detail + "; run segue rewrite undo (" + back.error().detail + ")");
    };
    for (std::size_t i = 0; i < plan.files.size(); ++i) {
        const auto& file = plan.files[i];
        Entry entry{file.old_path,
                    file.new_path,
                    file.old_path.empty() ? "" : sha256_hex(file.before),
                    file.new_path.empty() ? "" : sha256_hex(file.after),
                    fmt::format("{:05}", i),
                    file.mode};
        if (!file.old_path.empty()) {
            const auto saved =
                replace_file(folder + "/" + entry.backup, file.before, FileAccess::kOwner);
            if (!saved) return give_up(saved.error());
        }
        journal.files.push_back(std::move(entry));
    }
    const auto journal_file = folder + "/journal.json";
    if (const auto done = replace_file(journal_file, journal_text(journal), FileAccess::kOwner);
        !done)
        return give_up(done.error());
    Written written;
    written.patch = fmt::format("{}/{}", tree.root, kPatchName);
    if (const auto done =
            replace_file(written.patch, plan.patch(tree.prefix), FileAccess::kEverybody);
        !done)
        return give_up(done.error());
    for (const auto& file : plan.files) {
        if (!file.new_path.empty()) {
            const auto done = put(tree.root + "/" + file.new_path, file.after, file.mode);
            if (!done) return give_up(done.error());
        }
        if (!file.old_path.empty() && file.new_path != file.old_path)
            drop(tree.root, file.old_path);
        ++written.files;
    }
    journal.state = "done";
    if (const auto done = replace_file(journal_file, journal_text(journal), FileAccess::kOwner);
        !done)
        return give_up(done.error());
    return written;
}

Result<Undone> undo(const std::string& path) {
    std::error_code error;
    const auto root = fs::canonical(path, error).string();
    if (error)
        return fail(Fault::kNotFound,
                    fmt::format("no folder '{}'; name the one that was rewritten", path));
    std::string git_folder;
    if (const auto answer =
            audit::output_of({"git", "-C", root, "rev-parse", "--absolute-git-dir"}))
        git_folder = std::string(trim(*answer));
    for (const auto& records : {records_of(root, git_folder), records_of(root, "")}) {
        const auto numbers = numbers_in(records);
        if (numbers.empty()) continue;
        const auto folder = fmt::format("{}/{}", records, numbers.back());
        SEGUE_TRY(journal, read_journal(folder));
        SEGUE_TRY_VOID(take_back(journal, folder));
        ::unlink(fmt::format("{}/{}", journal.root, kPatchName).c_str());
        ::unlink(fmt::format("{}/{}.new", journal.root, kPatchName).c_str());
        forget(records, folder);
        return Undone{journal.files.size(), journal.step};
    }
    return fail(Fault::kNotFound,
                fmt::format("nothing to undo in {}: no rewrite was written there (a saved patch is "
                            "taken back with: git apply -R {})",
                            path, kPatchName));
}

}  // namespace segue::rewrite
