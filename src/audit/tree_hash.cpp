#include "audit/tree_hash.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>

#include "audit/workers.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

class Sha256 {
public:
    Sha256() : context_(EVP_MD_CTX_new()) {
        EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
    }
    void add(std::string_view bytes) {
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    }
    std::string hex() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned int length = 0;
        EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
        return hex_encode({reinterpret_cast<const char*>(digest.data()), length});
    }

private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

struct Hashed {
    std::string hex;  // empty: not there
    std::string problem;
};

Hashed hash_file(const std::string& path) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        return {{}, std::strerror(errno)};
    }
    Sha256 hash;
    if (S_ISLNK(facts.st_mode)) {
        char target[PATH_MAX];
        const auto size = ::readlink(path.c_str(), target, sizeof target);
        if (size < 0) return {{}, std::strerror(errno)};
        hash.add({target, static_cast<std::size_t>(size)});
        return {hash.hex(), {}};
    }
    if (!S_ISREG(facts.st_mode)) return {};
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return {{}, std::strerror(errno)};
    std::array<char, 256 * 1024> buffer;
    while (true) {
        const auto count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            const int error = errno;
            ::close(fd);
            return {{}, std::strerror(error)};
        }
        if (count == 0) break;
        hash.add({buffer.data(), static_cast<std::size_t>(count)});
    }
    ::close(fd);
    return {hash.hex(), {}};
}

/// As sha256sum writes it: a name with a backslash or a line break is escaped, and says so first.
std::string line_of(const std::string& hex, const std::string& path) {
    std::string name;
    for (const char c : path)
        name += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : std::string(1, c);
    return (name.size() == path.size() ? "" : "\\") + hex + "  " + name + "\n";
}

}  // namespace

Result<std::string> tree_sha256(const std::string& root, const GitFacts& git,
                                const std::vector<WalkedFile>& walked, unsigned threads) {
    struct Entry {
        std::string name;
        std::string absolute;
        Hashed hashed = {};
    };
    std::vector<Entry> entries;
    if (git.there)
        for (const auto& name : git.tracked)
            entries.push_back({name, root + "/" + name});
    else
        for (const auto& file : walked)
            entries.push_back({file.path, file.absolute});
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
    in_parallel(entries.size(), threads,
                [&](std::size_t i) { entries[i].hashed = hash_file(entries[i].absolute); });
    Sha256 all;
    for (const auto& entry : entries) {
        if (!entry.hashed.problem.empty())
            return fail(Fault::kIo,
                        fmt::format("cannot read {} ({}), so the tree has no hash; make it "
                                    "readable",
                                    entry.absolute, entry.hashed.problem));
        if (!entry.hashed.hex.empty()) all.add(line_of(entry.hashed.hex, entry.name));
    }
    return all.hex();
}

Result<std::string> tree_sha256(const std::string& root) {
    SEGUE_TRY(walked, walk({root}, UseIgnoreRules::kYes));
    return tree_sha256(walked.root, walked.git, walked.files, 0);
}

}  // namespace segue::audit
