#include "store/installation.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/text.hpp"

namespace segue::store {
namespace {

namespace fs = std::filesystem;
constexpr int kOldest = 14;

/// The set-up's: `lib/segue/postgres` beside the folder of an installed program; `.deps/postgres`
/// in a checkout, some folders above the build.
void add_own(std::vector<fs::path>& out) {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    if (error) return;
    const auto add = [&](const fs::path& root) {
        if (!fs::is_directory(root, error)) return;
        std::vector<fs::path> found;
        for (const auto& entry : fs::directory_iterator(root / "server", error))
            found.push_back(entry.path() / "bin");
        std::sort(found.rbegin(), found.rend());
        out.insert(out.end(), found.begin(), found.end());
    };
    add(program.parent_path().parent_path() / "lib/segue/postgres");
    fs::path folder = program.parent_path();
    for (int up = 0; up < 4 && folder.has_relative_path(); ++up, folder = folder.parent_path())
        add(folder / ".deps/postgres");
}

void add_system(std::vector<fs::path>& out) {
    std::error_code error;
    std::vector<std::pair<int, fs::path>> found;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error))
        found.emplace_back(std::atoi(entry.path().filename().c_str()), entry.path() / "bin");
    std::sort(found.rbegin(), found.rend());
    for (auto& [version, path] : found)
        out.push_back(std::move(path));
    for (const char* folder :
         {"/usr/pgsql/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"})
        out.emplace_back(folder);
}

bool has_vector(const fs::path& bin, int major) {
    std::error_code error;
    for (const auto& share : {bin.parent_path() / "share/postgresql", bin.parent_path() / "share",
                              fs::path(fmt::format("/usr/share/postgresql/{}", major))})
        if (fs::exists(share / "extension/vector.control", error)) return true;
    return false;
}

Result<Installation> look_at(const fs::path& bin, const std::optional<User>& user) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(bin, error);
    for (const char* program : {"postgres", "initdb"})
        if (!fs::exists(real / program, error))
            return fail(Fault::kNotFound, fmt::format("no {} in {}", program, bin.string()),
                        "store");
    Command command;
    command.arguments = {(real / "postgres").string(), "--version"};
    command.user = user;
    command.patience = std::chrono::seconds(20);
    SEGUE_TRY(finished, run(command));
    const std::size_t at = finished.output.rfind(") ");
    if (finished.status != 0 || at == std::string::npos)
        return fail(
            Fault::kInvalid,
            user ? fmt::format("{}/postgres cannot be run by '{}' (PostgreSQL refuses root): "
                               "check the permissions of the folders above it",
                               real.string(), user->name)
                 : fmt::format("{}/postgres cannot be run", real.string()),
            "store");
    Installation found;
    found.bin = real.string();
    const std::string rest(trim(std::string_view(finished.output).substr(at + 2)));
    found.version = rest.substr(0, rest.find(' '));
    found.major = std::atoi(found.version.c_str());
    found.has_vector = has_vector(real, found.major);
    return found;
}

}  // namespace

Result<Installation> find_installation(const std::string& named, std::optional<int> major,
                                       const std::optional<User>& user) {
    if (!named.empty()) {
        auto found = look_at(named, user);
        if (!found)
            return fail(Fault::kInvalid,
                        fmt::format("SEGUE_PG_BIN: {}; it must be the folder of 'postgres' and "
                                    "'initdb'",
                                    found.error().detail),
                        "store");
        if (major && found->major != *major)
            return fail(Fault::kConflict,
                        fmt::format("the data was made by PostgreSQL {}, and SEGUE_PG_BIN ({}) is "
                                    "PostgreSQL {}",
                                    *major, named, found->version),
                        "store");
        return found;
    }
    std::vector<fs::path> folders;
    add_own(folders);
    add_system(folders);
    std::optional<Installation> second;
    std::string seen;
    for (const auto& folder : folders) {
        auto found = look_at(folder, user);
        if (!found) {
            if (found.error().fault != Fault::kNotFound) seen += "; " + found.error().detail;
            continue;
        }
        if (major ? found->major != *major : found->major < kOldest) {
            seen += fmt::format("; PostgreSQL {} in {}", found->version, found->bin);
            continue;
        }
        if (found->has_vector) return found;
        if (!second) second = std::move(*found);
    }
    if (second) return *second;
    if (major)
        return fail(Fault::kConflict,
                    fmt::format("the data was made by PostgreSQL {}, which is not found here{}",
                                *major, seen),
                    "store");
    return fail(Fault::kNotFound,
                fmt::format("no PostgreSQL {} or newer is found here{}; run 'make deps', install "
                            "postgresql and its pgvector, set SEGUE_PG_BIN, or name a server in "
                            "DATABASE_URL",
                            kOldest, seen),
                "store");
}

}  // namespace segue::store
