#include "audit/proof/host.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "audit/paths.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

namespace fs = std::filesystem;

/// /proc files have no size; they are read to their end, which is small.
std::optional<std::string> read_all(const std::string& path, std::size_t limit = 4U << 20) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::string text;
    char buffer[65536];
    while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(in.gcount()));
        if (text.size() > limit) break;
    }
    if (in.bad()) return std::nullopt;
    return text;
}

std::string link_of(const std::string& path) {
    char buffer[PATH_MAX];
    const auto size = ::readlink(path.c_str(), buffer, sizeof buffer);
    return size < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(size));
}

std::vector<std::string> names_in(const std::string& folder, bool* denied = nullptr) {
    std::vector<std::string> out;
    DIR* const handle = ::opendir(folder.c_str());
    if (handle == nullptr) {
        if (denied != nullptr) *denied = errno == EACCES || errno == EPERM;
        return out;
    }
    while (const dirent* entry = ::readdir(handle)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") out.emplace_back(name);
    }
    ::closedir(handle);
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> fields(const std::string& text) {  // NUL-separated
    std::vector<std::string> out;
    for (const auto part : split(text, '\0'))
        out.emplace_back(part);
    while (!out.empty() && out.back().empty())
        out.pop_back();
    return out;
}

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
    T value{};
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

/// "0100007F" and its four-word sibling: words in the machine's order, little-endian here.
std::string address_of(std::string_view hex) {
    std::string bytes;
    for (std::size_t word = 0; word + 8 <= hex.size(); word += 8)
        for (int byte = 3; byte >= 0; --byte)
            bytes += static_cast<char>(
                number<std::uint8_t>(hex.substr(word + static_cast<std::size_t>(byte) * 2, 2), 16)
                    .value_or(0));
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const auto v4 = [&](std::size_t from) {
        return fmt::format("{}.{}.{}.{}", at(from), at(from + 1), at(from + 2), at(from + 3));
    };
    if (bytes.size() == 4) return v4(0);
    if (bytes.size() != 16) return std::string(hex);
    if (std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; })) return "::";
    if (bytes.substr(0, 12) == std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12)) return v4(12);
    if (bytes.substr(0, 15) == std::string(15, '\0') && at(15) == 1) return "::1";
    std::string out;
    for (std::size_t i = 0; i < 16; i += 2)
        out += fmt::format("{}{:x}", i == 0 ? "" : ":", at(i) * 256U + at(i + 1));
    return out;
}

constexpr std::string_view kEstablished = "01";
constexpr std::string_view kListen = "0A";

/// One line of /proc/net/tcp: sl local remote st … uid timeout inode.
std::optional<Socket> parse_socket(std::string_view line) {
    std::vector<std::string_view> words;
    for (const auto word : split(line, ' '))
        if (!word.empty()) words.push_back(word);
    if (words.size() < 10 || !words[0].ends_with(':')) return std::nullopt;
    const bool listening = words[3] == kListen;
    if (!listening && words[3] != kEstablished) return std::nullopt;
    const auto side =
        [](std::string_view text) -> std::optional<std::pair<std::string, std::uint16_t>> {
        const auto colon = text.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        const auto port = number<std::uint16_t>(text.substr(colon + 1), 16);
        if (!port) return std::nullopt;
        return std::pair(address_of(text.substr(0, colon)), *port);
    };
    const auto local = side(words[1]);
    const auto remote = side(words[2]);
    const auto inode = number<std::uint64_t>(words[9]);
    if (!local || !remote || !inode) return std::nullopt;
    return Socket{
        local->first, remote->first, local->second, remote->second, listening, *inode, ""};
}

std::uint64_t size_below(const std::string& folder) {
    std::uint64_t total = 0;
    std::error_code error;
    for (fs::recursive_directory_iterator
             entry(folder, fs::directory_options::skip_permission_denied, error),
         end;
         entry != end && !error; entry.increment(error)) {
        std::error_code ignored;
        if (entry->is_regular_file(ignored) && !entry->is_symlink(ignored))
            total += entry->file_size(ignored);
    }
    return total;
}

/// Lines of a file that are neither empty nor a comment and hold the word.
std::vector<std::string> live_lines(std::string_view text) {
    std::vector<std::string> out;
    for (const auto line : split(text, '\n')) {
        const auto bare = trim(line);
        if (!bare.empty() && bare.front() != '#' && bare.front() != ';' && has_word(bare))
            out.emplace_back(bare);
    }
    return out;
}

}  // namespace

std::string Process::name() const {
    std::string_view path = program;
    if (path.ends_with(" (deleted)")) path.remove_suffix(10);
    return std::string(base_name(path));
}

std::string Process::label() const {
    return fmt::format("{} ({})", pid, name());
}

bool is_segue(const Process& process) {
    return process.name() == "segue";
}

bool is_ollama(const Process& process) {
    if (is_segue(process)) return false;
    if (has_word(process.name())) return true;
    if (!process.arguments.empty() && has_word(base_name(process.arguments[0]))) return true;
    // Its runners lie in a folder of its own: /usr/lib/ollama/…, /tmp/ollama123/runners/….
    for (const auto part : split(process.program, '/')) {
        if (part == "ollama") return true;
        if (part.starts_with("ollama") && part.size() > 6 &&
            std::all_of(part.begin() + 6, part.end(),
                        [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }))
            return true;
    }
    // sh -c "ollama serve", nohup ollama serve, env X=1 ollama run …
    static constexpr std::string_view kCommands[] = {"serve", "run", "runner", "pull", "start"};
    std::string line;
    for (const auto& argument : process.arguments)
        line += argument + " ";
    for (std::size_t at = 0; (at = line.find("ollama ", at)) != std::string::npos; at += 7) {
        if (at > 0 && line[at - 1] != ' ' && line[at - 1] != '/' && line[at - 1] != ';' &&
            line[at - 1] != '&' && line[at - 1] != '"' && line[at - 1] != '\'')
            continue;
        const auto rest = std::string_view(line).substr(at + 7);
        const auto word = rest.substr(0, rest.find_first_of(" ;&|\"'"));
        if (std::find(std::begin(kCommands), std::end(kCommands), word) != std::end(kCommands))
            return true;
    }
    return false;
}

std::vector<Process> Host::processes(std::vector<std::string>& unread) const {
    std::vector<Process> out;
    const std::string proc = root_ + "/proc";
    std::size_t hidden = 0;
    for (const auto& name : names_in(proc)) {
        const auto pid = number<int>(name);
        if (!pid || (root_.empty() && *pid == ::getpid())) continue;
        const std::string folder = proc + "/" + name;
        const auto line = read_all(folder + "/cmdline");
        if (!line) {
            // Ended since the folder was listed, or not for this user.
            if (struct stat facts{}; ::stat(folder.c_str(), &facts) == 0) ++hidden;
            continue;
        }
        if (line->empty()) continue;  // a thread of the kernel
        Process process;
        process.pid = *pid;
        process.arguments = fields(*line);
        process.program = link_of(folder + "/exe");
        if (process.program.empty() && !process.arguments.empty())
            process.program = process.arguments[0];
        process.network = link_of(folder + "/ns/net");
        if (const auto variables = read_all(folder + "/environ")) {
            process.environment_read = true;
            for (const auto& variable : fields(*variables))
                process.environment.push_back(variable.substr(0, variable.find('=')));
        } else if (names_in(folder).empty()) {
            continue;  // it has ended meanwhile
        }
        out.push_back(std::move(process));
    }
    if (hidden > 0)
        unread.push_back(fmt::format("{} processes of other users", hidden));
    else if (out.empty() || (root_.empty() && names_in(proc + "/1").empty()))
        unread.emplace_back("processes of other users (/proc is hidden)");
    return out;
}

std::vector<Socket> Host::sockets(const std::vector<Process>& seen,
                                  std::vector<std::string>& unread) const {
    std::vector<Socket> out;
    const auto read = [&](const std::string& folder, const std::string& network) {
        bool any = false;
        for (const std::string_view name : {"/net/tcp", "/net/tcp6"}) {
            const auto text = read_all(folder + std::string(name));
            if (!text) continue;
            any = true;
            for (const auto line : split(*text, '\n'))
                if (auto socket = parse_socket(line)) {
                    socket->network = network;
                    out.push_back(std::move(*socket));
                }
        }
        return any;
    };
    if (!read(root_ + "/proc", "")) unread.emplace_back("sockets (/proc/net/tcp)");
    std::set<std::string> known{link_of(root_ + "/proc/self/ns/net"), ""};
    std::set<std::string> closed;
    for (const auto& process : seen) {
        if (!known.insert(process.network).second) continue;
        if (!read(fmt::format("{}/proc/{}", root_, process.pid), process.network))
            closed.insert(process.network);
    }
    if (!closed.empty())
        unread.push_back(fmt::format("sockets in {} other network namespaces", closed.size()));
    return out;
}

std::optional<std::vector<Socket>> Host::tracked() const {
    constexpr std::size_t kLimit = 256U << 20;  // a busy router's table
    const auto text = read_all(root_ + "/proc/net/nf_conntrack", kLimit);
    if (!text) return std::nullopt;
    std::vector<Socket> out;
    for (const auto line : split(*text, '\n')) {
        if (line.find(" tcp ") == std::string_view::npos) continue;
        // "… src=10.0.0.5 dst=10.0.0.9 sport=40000 dport=11434 src=…": the way there comes first.
        const auto value = [&](std::string_view name) {
            const auto at = line.find(name);
            if (at == std::string_view::npos) return std::string_view();
            const auto rest = line.substr(at + name.size());
            return rest.substr(0, rest.find(' '));
        };
        const auto from = number<std::uint16_t>(value(" sport="));
        const auto to = number<std::uint16_t>(value(" dport="));
        if (!from || !to) continue;
        Socket socket;
        socket.local = value(" src=");
        socket.remote = value(" dst=");
        socket.local_port = *from;
        socket.remote_port = *to;
        out.push_back(std::move(socket));
    }
    return out;
}

std::map<std::uint64_t, int> Host::owners(const std::set<std::uint64_t>& inodes) const {
    std::map<std::uint64_t, int> out;
    const std::string proc = root_ + "/proc";
    for (const auto& name : names_in(proc)) {
        const auto pid = number<int>(name);
        if (!pid || out.size() == inodes.size()) continue;
        for (const auto& fd : names_in(proc + "/" + name + "/fd")) {
            const std::string target = link_of(proc + "/" + name + "/fd/" + fd);
            if (!target.starts_with("socket:[")) continue;
            const auto inode =
                number<std::uint64_t>(std::string_view(target).substr(8, target.size() - 9));
            if (inode && inodes.contains(*inode)) out.emplace(*inode, *pid);
        }
    }
    return out;
}

Host::Timetable Host::timetable(std::vector<std::string>& unread) const {
    Timetable out;
    std::vector<std::string> homes;
    if (const auto users = read_all(root_ + "/etc/passwd")) {
        for (const auto line : split(*users, '\n')) {
            const auto parts = split(line, ':');
            if (parts.size() < 7) continue;
            if (has_word(parts[0])) out.left.push_back(fmt::format("user {}", parts[0]));
            const std::string home(parts[5]);
            if (home.size() > 1 && std::find(homes.begin(), homes.end(), home) == homes.end())
                homes.push_back(home);
        }
    } else {
        unread.emplace_back("/etc/passwd");
    }

    std::vector<std::string> unit_folders{"/etc/systemd/system",     "/run/systemd/system",
                                          "/usr/lib/systemd/system", "/lib/systemd/system",
                                          "/etc/systemd/user",       "/usr/lib/systemd/user"};
    std::vector<std::string> autostart{"/etc/xdg/autostart"};
    std::vector<std::string> model_folders{"/usr/share/ollama", "/var/lib/ollama"};
    std::vector<std::string> programs{"/usr/local/bin", "/usr/bin", "/bin", "/opt/ollama/bin",
                                      "/snap/bin"};
    for (const auto& home : homes) {
        bool denied = false;
        (void)names_in(root_ + home, &denied);
        if (denied) {
            unread.push_back(home);
            continue;
        }
        unit_folders.push_back(home + "/.config/systemd/user");
        autostart.push_back(home + "/.config/autostart");
        model_folders.push_back(home + "/.ollama");
        programs.push_back(home + "/.local/bin");
    }

    std::set<std::string> seen;  // /lib is /usr/lib on many machines
    std::set<std::string> units;
    std::set<std::string> enabled;
    for (const auto& folder : unit_folders) {
        std::error_code error;
        const auto real = fs::weakly_canonical(root_ + folder, error).string();
        if (!seen.insert(real).second) continue;
        for (const auto& name : names_in(root_ + folder)) {
            if (name.ends_with(".wants") || name.ends_with(".requires")) {
                for (const auto& unit : names_in(root_ + folder + "/" + name))
                    enabled.insert(unit);
                continue;
            }
            if (!name.ends_with(".service") && !name.ends_with(".timer") &&
                !name.ends_with(".socket"))
                continue;
            const auto text = read_all(root_ + folder + "/" + name);
            bool starts = false;
            if (text)
                for (const auto& line : live_lines(*text))
                    starts = starts || line.starts_with("Exec");
            if (has_word(name) || starts) units.insert(name);
        }
    }
    for (const auto& unit : units)
        (enabled.contains(unit) ? out.active : out.left).push_back("unit " + unit);
    for (const auto& unit : enabled)
        if (has_word(unit) && !units.contains(unit)) out.active.push_back("unit " + unit);

    const auto cron = [&](const std::string& path) {
        const auto text = read_all(root_ + path);
        if (!text) {
            unread.push_back(path);
            return;
        }
        for (const auto& line : live_lines(*text))
            out.active.push_back(fmt::format("{}: {}", path, line));
    };
    if (struct stat facts{}; ::stat((root_ + "/etc/crontab").c_str(), &facts) == 0)
        cron("/etc/crontab");
    for (const std::string folder :
         {"/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly",
          "/etc/cron.monthly", "/var/spool/cron", "/var/spool/cron/crontabs"}) {
        bool denied = false;
        for (const auto& name : names_in(root_ + folder, &denied))
            if (struct stat facts{}; ::stat((root_ + folder + "/" + name).c_str(), &facts) == 0 &&
                                     S_ISREG(facts.st_mode))
                cron(folder + "/" + name);
        if (denied) unread.push_back(folder);
    }
    for (const auto& folder : autostart)
        for (const auto& name : names_in(root_ + folder))
            if (const auto text = read_all(root_ + folder + "/" + name);
                has_word(name) || (text && !live_lines(*text).empty()))
                out.active.push_back(fmt::format("autostart {}/{}", folder, name));

    std::set<std::string> listed;
    for (const auto& folder : programs)
        for (const auto& name : names_in(root_ + folder)) {
            if (!has_word(name)) continue;
            std::error_code error;
            if (listed.insert(fs::weakly_canonical(root_ + folder + "/" + name, error).string())
                    .second)
                out.left.push_back(fmt::format("program {}/{}", folder, name));
        }
    for (const auto& folder : model_folders) {
        struct stat facts {};
        if (::stat((root_ + folder).c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) continue;
        out.left.push_back(fmt::format("models {} ({:.1f} MB)", folder,
                                       static_cast<double>(size_below(root_ + folder)) / 1e6));
    }
    return out;
}

}  // namespace segue::audit
