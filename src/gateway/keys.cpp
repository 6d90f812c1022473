#include "gateway/keys.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>

#include "base/base64url.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "llm/ollama/front/names.hpp"

namespace segue::gateway {
namespace {

constexpr std::string_view kPrefix = "segue-";
constexpr std::size_t kIdBytes = 4;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kMaxName = 64;

template <std::size_t N>
bool random_bytes(std::array<unsigned char, N>& bytes) {
    return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}

template <std::size_t N>
std::string_view as_text(const std::array<unsigned char, N>& bytes) {
    const void* raw = bytes.data();
    return {static_cast<const char*>(raw), bytes.size()};
}

std::optional<KeyHash> read_hash(std::string_view text) {
    KeyHash hash{};
    if (text.size() != hash.size() * 2) return std::nullopt;
    const auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    for (std::size_t i = 0; i < hash.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        hash[i] = static_cast<unsigned char>(high * 16 + low);
    }
    return hash;
}

std::optional<WallTime> read_time(json::Value value) {
    const auto seconds = value.integer();
    if (!seconds) return std::nullopt;
    return WallTime(std::chrono::seconds(*seconds));
}

std::optional<Key> read_key(json::Value entry) {
    Key key;
    key.id = entry["id"].string();
    key.name = entry["name"].string();
    key.last_four = entry["last_four"].string();
    const auto hash = read_hash(entry["sha256"].string());
    const auto created = read_time(entry["created"]);
    const auto priority = parse_priority(entry["priority"].string("interactive"));
    if (key.id.empty() || !hash || !created || !priority) return std::nullopt;
    key.hash = *hash;
    key.created = *created;
    key.expires = read_time(entry["expires"]);
    key.revoked = read_time(entry["revoked"]);
    for (const auto model : entry["models"])
        key.rules.models.emplace_back(model.string());
    key.rules.requests_per_minute = entry["requests_per_minute"].integer();
    key.rules.tokens_per_minute = entry["tokens_per_minute"].integer();
    key.rules.streams = entry["streams"].integer();
    key.rules.priority = *priority;
    return key;
}

void write_key(json::Writer& w, const Key& key) {
    const auto optional = [&](std::string_view name, const std::optional<std::int64_t>& value) {
        if (value) w.member(name, *value);
    };
    w.begin_object().member("id", key.id).member("name", key.name);
    w.member("last_four", key.last_four).member("sha256", hex_encode(as_text(key.hash)));
    w.member("created", unix_seconds(key.created));
    if (key.expires) w.member("expires", unix_seconds(*key.expires));
    if (key.revoked) w.member("revoked", unix_seconds(*key.revoked));
    if (!key.rules.models.empty()) {
        w.key("models").begin_array();
        for (const auto& model : key.rules.models)
            w.string(model);
        w.end_array();
    }
    optional("requests_per_minute", key.rules.requests_per_minute);
    optional("tokens_per_minute", key.rules.tokens_per_minute);
    optional("streams", key.rules.streams);
    w.member("priority", priority_name(key.rules.priority)).end_object();
}

std::string canonical(std::string_view name) {
    return llm::canonical_model_name(name).value_or(to_lower(name));
}

}  // namespace

std::string_view priority_name(Priority priority) {
    switch (priority) {
        case Priority::kInteractive: return "interactive";
        case Priority::kBatch: return "batch";
    }
    return "interactive";
}

std::optional<Priority> parse_priority(std::string_view name) {
    if (iequals(trim(name), "interactive")) return Priority::kInteractive;
    if (iequals(trim(name), "batch")) return Priority::kBatch;
    return std::nullopt;
}

bool KeyRules::allows_model(std::string_view name) const {
    if (models.empty()) return true;
    const std::string full = canonical(name);
    std::string_view plain = full;
    if (plain.ends_with(":latest")) plain.remove_suffix(7);
    return std::any_of(models.begin(), models.end(), [&](const std::string& pattern) {
        if (pattern.find('*') == std::string::npos) return canonical(pattern) == full;
        const std::string lower = to_lower(pattern);
        return glob_match(lower, full) || glob_match(lower, plain);
    });
}

KeyHash hash_key(std::string_view text) {
    KeyHash hash{};
    const void* raw = text.data();
    SHA256(static_cast<const unsigned char*>(raw), text.size(), hash.data());
    return hash;
}

bool equal(const KeyHash& a, const KeyHash& b) {
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<std::string_view> key_id(std::string_view text) {
    if (!text.starts_with(kPrefix)) return std::nullopt;
    text.remove_prefix(kPrefix.size());
    if (text.size() <= kIdBytes * 2 || text[kIdBytes * 2] != '-') return std::nullopt;
    return text.substr(0, kIdBytes * 2);
}

Result<NewKey> make_key(std::string name, KeyRules rules, std::optional<WallTime> expires,
                        WallTime now) {
    std::array<unsigned char, kIdBytes> id{};
    std::array<unsigned char, kSecretBytes> secret{};
    if (!random_bytes(id) || !random_bytes(secret))
        return fail(Fault::kInternal, "the operating system gives no random bytes");
    NewKey made;
    made.key.id = hex_encode(as_text(id));
    made.text = fmt::format("{}{}-{}", kPrefix, made.key.id, base64url_encode(as_text(secret)));
    OPENSSL_cleanse(secret.data(), secret.size());
    made.key.last_four = made.text.substr(made.text.size() - 4);
    made.key.hash = hash_key(made.text);
    made.key.name = std::move(name);
    // Whole seconds, as they are kept.
    made.key.created = WallTime(std::chrono::seconds(unix_seconds(now)));
    if (expires) made.key.expires = WallTime(std::chrono::seconds(unix_seconds(*expires)));
    made.key.rules = std::move(rules);
    return made;
}

Result<std::vector<Key>> KeyFile::list() const {
    auto text = read_file(path_);
    if (!text && text.error().fault == Fault::kNotFound) return std::vector<Key>{};
    if (!text) return tl::make_unexpected(std::move(text).error());
    const auto ruined = [&] {
        return fail(Fault::kIo,
                    fmt::format("cannot read {}: it is not the list of keys that segue wrote; mend "
                                "it or move it away",
                                path_));
    };
    json::Parser parser;
    const auto root = parser.parse(*text);
    if (!root || !(*root)["keys"].is_array()) return ruined();
    std::vector<Key> keys;
    for (const auto entry : (*root)["keys"]) {
        auto key = read_key(entry);
        if (!key) return ruined();
        keys.push_back(std::move(*key));
    }
    return keys;
}

Result<void> good_key_name(std::string_view name) {
    if (!name.empty() && name.size() <= kMaxName && is_valid_utf8(name) &&
        std::none_of(name.begin(), name.end(),
                     [](char c) { return (c >= 0 && c < ' ') || c == 127; }))
        return {};
    return fail(Fault::kInvalid,
                fmt::format("a key's name has 1 to {} printable characters", kMaxName));
}

Result<void> KeyFile::add(Key key) const {
    SEGUE_TRY_VOID(good_key_name(key.name));
    SEGUE_TRY(lock, FileLock::take(path_));
    SEGUE_TRY(keys, list());
    if (keys.size() >= kMostKeys)
        return fail(Fault::kTooLarge,
                    fmt::format("{} holds {} keys, which is the most; take revoked ones out of it",
                                path_, kMostKeys));
    for (const auto& other : keys) {
        if (other.id == key.id)  // one in four thousand million
            return fail(Fault::kConflict, "the new key's id is taken; try again");
        if (!other.revoked && other.name == key.name)
            return fail(Fault::kConflict,
                        fmt::format("a key is called '{}' already ({}); choose another name, or "
                                    "revoke that one first",
                                    key.name, other.id));
    }
    keys.push_back(std::move(key));
    return write(keys);
}

Result<Key> KeyFile::revoke(std::string_view who, WallTime now) const {
    SEGUE_TRY(lock, FileLock::take(path_));
    SEGUE_TRY(keys, list());
    // An id before a name: somebody may call a key like another one's id.
    for (const auto part : {&Key::id, &Key::name}) {
        for (auto& key : keys) {
            if (key.revoked || key.*part != who) continue;
            key.revoked = WallTime(std::chrono::seconds(unix_seconds(now)));
            SEGUE_TRY_VOID(write(keys));
            return key;
        }
    }
    return fail(Fault::kNotFound,
                fmt::format("no key that is not revoked has the id or name '{}'; segue keys list "
                            "shows them",
                            who));
}

Result<std::vector<Key>> KeyFile::change(
    const std::function<Result<std::vector<Key>>(const std::vector<Key>&)>& make) const {
    SEGUE_TRY(lock, FileLock::take(path_));
    SEGUE_TRY(keys, list());
    SEGUE_TRY(made, make(keys));
    if (made != keys) SEGUE_TRY_VOID(write(made));
    return made;
}

Result<void> KeyFile::write(const std::vector<Key>& keys) const {
    const std::string text = json::object([&](json::Writer& w) {
        w.key("keys").begin_array();
        for (const auto& key : keys)
            write_key(w, key);
        w.end_array();
    });
    return replace_file(path_, text + "\n", FileAccess::kOwner);
}

}  // namespace segue::gateway
