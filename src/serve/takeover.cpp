#include "serve/takeover.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/json.hpp"
#include "base/log.hpp"

namespace segue::serve {
namespace {

constexpr int kProtocol = 1;
constexpr auto kSlice = std::chrono::milliseconds(100);
// The old process answers from a thread that has nothing else to do.
constexpr auto kAnswerPatience = std::chrono::milliseconds(10'000);

std::string hello(bool activated) {
    return json::object([&](json::Writer& w) {
        w.member("takeover", kProtocol).member("version", SEGUE_VERSION);
        w.member("pid", static_cast<std::int64_t>(::getpid())).member("activated", activated);
    });
}

std::string word(std::string_view what) {
    return json::object([&](json::Writer& w) { w.member(what, true); });
}

/// What the other side said; `root` lives as long as the parser.
struct Heard {
    net::LocalMessage message;
    json::Parser parser;
    json::Value root;
    bool gone() const { return message.text.empty(); }
};

/// Nothing: it said nothing in time.
Result<std::optional<Heard>> hear(net::LocalSocket& peer, std::chrono::milliseconds patience) {
    SEGUE_TRY(message, peer.receive(patience));
    if (!message) return std::nullopt;
    Heard heard;
    heard.message = std::move(*message);
    if (heard.gone()) return heard;
    const auto root = heard.parser.parse(heard.message.text);
    if (!root || !root->is_object())
        return fail(Fault::kInvalid, "what is at the other end does not speak as segue does");
    heard.root = *root;
    if (heard.root["error"].is_string())
        return fail(Fault::kConflict, std::string(heard.root["error"].string()));
    return heard;
}

Result<void> check_protocol(const Heard& heard) {
    if (heard.root["takeover"].integer() == kProtocol) return {};
    return fail(Fault::kConflict,
                fmt::format("segue {} and segue {} hand over in different ways; stop the old one "
                            "and start the new one",
                            heard.root["version"].string("of another version"), SEGUE_VERSION));
}

}  // namespace

Result<pid_t> spawn_successor() {
    std::error_code error;
    std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
    // The program was replaced under the running process: its name leads to the new one.
    constexpr std::string_view kReplaced = " (deleted)";
    if (program.ends_with(kReplaced)) program.resize(program.size() - kReplaced.size());
    std::ifstream in("/proc/self/cmdline", std::ios::binary);
    std::vector<std::string> words;
    for (std::string word; std::getline(in, word, '\0');)
        words.push_back(word);
    if (error || words.empty())
        return fail(Fault::kIo, "cannot tell how this segue was started; is /proc mounted?");
    if (std::find(words.begin(), words.end(), "--takeover") == words.end())
        words.emplace_back("--takeover");
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t pid = 0;
    const int failed =
        ::posix_spawn(&pid, program.c_str(), nullptr, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0)
        return fail(Fault::kIo,
                    fmt::format("cannot start {} ({})", program, std::strerror(failed)));
    return pid;
}

std::string takeover_path(const std::string& data_dir) {
    return data_dir + "/takeover.sock";
}

Result<std::optional<Takeover>> Takeover::begin(const std::string& path) {
    auto socket = net::LocalSocket::connect(path);
    if (!socket && socket.error().fault == Fault::kNotFound) return std::nullopt;
    if (!socket)
        return fail(socket.error().fault,
                    fmt::format("{}; run the new segue as the same user as the old one",
                                socket.error().detail));
    SEGUE_TRY(user, socket->peer_user());
    if (user != ::geteuid())
        return fail(Fault::kConflict,
                    fmt::format("the segue at {} belongs to another user (uid {}); run the new one "
                                "as that user",
                                path, user));
    // A refusal may be there before the question, and the connection closed: it can still be read.
    const auto asked = socket->send(hello(false));
    SEGUE_TRY(heard, hear(*socket, asked ? kAnswerPatience : std::chrono::milliseconds(0)));
    if (!heard)
        return fail(Fault::kTimeout,
                    fmt::format("the running segue did not answer at {}; another takeover may be "
                                "under way: try again when it is over",
                                path));
    if (heard->gone())
        return fail(Fault::kUnreachable,
                    "the running segue ended before it handed over; start again");
    SEGUE_TRY_VOID(check_protocol(*heard));
    Inheritance inheritance;
    inheritance.activated = heard->root["activated"].boolean();
    inheritance.version = heard->root["version"].string("?");
    inheritance.pid = static_cast<pid_t>(heard->root["pid"].integer().value_or(0));
    for (auto& fd : heard->message.fds) {
        SEGUE_TRY(listener, net::Listener::inherit(fd.release()));
        inheritance.listeners.push_back(std::move(listener));
    }
    return Takeover(std::move(*socket), std::move(inheritance));
}

Result<Takeover::End> Takeover::complete() {
    // What the old one said before it closed the connection can still be heard: that it gave this
    // one up, and goes on. Silence at a closed connection means that it died.
    const auto verdict = [&](std::chrono::milliseconds patience) -> Result<std::optional<End>> {
        auto heard = hear(socket_, patience);
        if (!heard && heard.error().fault == Fault::kUnreachable) return End::kDied;
        if (!heard) return tl::make_unexpected(heard.error());
        if (!*heard) return std::nullopt;
        return (*heard)->gone() ? End::kDied : End::kDraining;
    };
    SEGUE_TRY(before, verdict(std::chrono::milliseconds(0)));
    if (before) return *before;
    const auto told = socket_.send(word("accepting"));
    SEGUE_TRY(after, verdict(told ? kAnswerPatience : std::chrono::milliseconds(0)));
    if (after) return *after;
    if (!told) return End::kDied;
    return fail(Fault::kTimeout,
                fmt::format("the old segue (pid {}) does not say that it stopped accepting; it may "
                            "hang: stop it, then start the new one",
                            inheritance_.pid));
}

void Takeover::wait_for_end(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const auto heard = socket_.receive(kSlice);
        if (!heard || (*heard && (*heard)->text.empty())) return;
    }
}

Result<std::unique_ptr<TakeoverServer>> TakeoverServer::start(Options options) {
    SEGUE_TRY(listener, net::LocalListener::open(options.path));
    std::unique_ptr<TakeoverServer> server(
        new TakeoverServer(std::move(options), std::move(listener)));
    server->thread_ =
        std::jthread([raw = server.get()](const std::stop_token& stop) { raw->run(stop); });
    return server;
}

TakeoverServer::TakeoverServer(Options options, net::LocalListener listener)
    : options_(std::move(options)), listener_(std::move(listener)) {
}

TakeoverServer::~TakeoverServer() {
    stop();
}

void TakeoverServer::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    listener_.stop();
    thread_.join();
}

void TakeoverServer::run(const std::stop_token& stop) {
    while (auto peer = listener_.accept()) {
        if (stop.stop_requested()) return;
        if (const auto served = serve(*peer, stop); !served) {
            if (served.error().fault != Fault::kNotFound)
                log::warning("takeover: {}; this segue goes on", served.error().detail);
            const auto told = peer->send(
                json::object([&](json::Writer& w) { w.member("error", served.error().detail); }));
            (void)told;  // it may be gone, which is why
            continue;
        }
        successor_ = std::move(peer);
        handed_over_ = true;
        options_.handed_over();
    }
}

Result<void> TakeoverServer::serve(net::LocalSocket& peer, const std::stop_token& stop) {
    SEGUE_TRY(user, peer.peer_user());
    if (user != options_.user)
        return fail(Fault::kConflict,
                    fmt::format("uid {} asked, but this segue runs as uid {}; run the new one as "
                                "the same user",
                                user, options_.user));
    if (handed_over_)
        return fail(Fault::kConflict, "another segue has just taken over; ask that one");

    SEGUE_TRY(request, hear(peer, kAnswerPatience));
    if (!request) return fail(Fault::kTimeout, "somebody connected and asked nothing");
    if (request->gone()) return fail(Fault::kNotFound, "somebody looked whether a segue is here");
    SEGUE_TRY_VOID(check_protocol(*request));
    const auto pid = request->root["pid"].integer().value_or(0);
    log::info("takeover: segue {} (pid {}) gets the listening sockets",
              request->root["version"].string("?"), pid);
    SEGUE_TRY_VOID(peer.send(hello(options_.activated), options_.listeners));

    const auto deadline = std::chrono::steady_clock::now() + options_.patience;
    while (!stop.stop_requested()) {
        SEGUE_TRY(heard, hear(peer, kSlice));
        if (!heard) {
            if (std::chrono::steady_clock::now() < deadline) continue;
            return fail(
                Fault::kTimeout,
                fmt::format(
                    "pid {} was not ready within {} s", pid,
                    std::chrono::duration_cast<std::chrono::seconds>(options_.patience).count()));
        }
        if (heard->gone())
            return fail(Fault::kUnreachable, fmt::format("pid {} ended before it was ready", pid));
        if (!heard->root["accepting"].boolean()) continue;  // words of later versions
        options_.stop_accepting();
        auto told = peer.send(word("draining"));
        if (!told) options_.accept_again();
        return told;
    }
    return fail(Fault::kConflict, "the old segue was told to stop meanwhile; start again");
}

}  // namespace segue::serve
