#include "evidence/signing.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::evidence {
namespace {

constexpr std::string_view kPrefix = "ed25519:";
constexpr std::string_view kSchema = "segue-signing-key/1";
constexpr std::size_t kSignature = 64;

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_MD_CTX, Free>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Error broken(std::string_view what) {
    return Error{Fault::kInternal, fmt::format("OpenSSL could not {} with Ed25519", what)};
}

/// Names become part of a table and a file's content, never of a path.
bool good_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && is_valid_utf8(name) &&
           std::none_of(name.begin(), name.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void wipe(std::string& secret) {
    OPENSSL_cleanse(secret.data(), secret.size());
}

Result<std::string> read_private(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0)
        return fail(errno == ENOENT ? Fault::kNotFound : Fault::kIo,
                    fmt::format("cannot read the signing key {}: {}", path, std::strerror(errno)));
    if ((facts.st_mode & 077U) != 0)
        return fail(Fault::kInvalid,
                    fmt::format("others can read the signing key {} (mode {:o}); if nobody did, "
                                "chmod 600 it, otherwise make a new one",
                                path, facts.st_mode & 0777U));
    return read_file(path);
}

Result<NamedKey> parse_key(const std::string& path, std::string& text) {
    json::Parser parser;
    const auto root = parser.parse(text);
    const auto wrong = [&](std::string_view why) {
        return fail(Fault::kInvalid, fmt::format("{} is no signing key: {}", path, why));
    };
    if (!root) return wrong(root.error().reason);
    if ((*root)["schema"].string() != kSchema)
        return wrong(fmt::format("its schema is not {}", kSchema));
    auto seed = base64_decode((*root)["private_key"].string());
    if (!seed || seed->size() != SigningKey::kSize) return wrong("it holds no private key");
    auto key = SigningKey::from_seed(*seed);
    wipe(*seed);
    wipe(text);
    if (!key) return tl::make_unexpected(key.error());
    if (key->public_key().text() != (*root)["public_key"].string())
        return wrong("its public key belongs to another private key");
    KeyFacts facts{key->public_key().id(), std::string((*root)["name"].string()), key->public_key(),
                   std::string((*root)["created"].string())};
    return NamedKey{std::move(facts), std::move(*key)};
}

}  // namespace

Result<PublicKey> PublicKey::parse(std::string_view text) {
    text = trim(text);
    const auto wrong = [] {
        return fail(Fault::kInvalid,
                    "this is no public key; one looks like ed25519: and 44 characters of base64, "
                    "and segue keys signing show prints it");
    };
    if (!text.starts_with(kPrefix)) return wrong();
    const auto raw = base64_decode(text.substr(kPrefix.size()));
    if (!raw || raw->size() != kSize) return wrong();
    std::array<std::uint8_t, kSize> bytes{};
    std::memcpy(bytes.data(), raw->data(), kSize);
    return PublicKey(bytes);
}

std::string PublicKey::text() const {
    return std::string(kPrefix) +
           base64_encode({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()});
}

std::string PublicKey::id() const {
    return sha256_hex({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}).substr(0, 16);
}

bool PublicKey::verifies(std::string_view message, std::string_view signature) const {
    if (signature.size() != kSignature) return false;
    const Key key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_.data(), bytes_.size()));
    const Context context(EVP_MD_CTX_new());
    return key && context &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                            message.size()) == 1;
}

Result<SigningKey> SigningKey::generate() {
    const Key made(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    std::string seed(kSize, '\0');
    std::size_t size = seed.size();
    if (!made || EVP_PKEY_get_raw_private_key(
                     made.get(), reinterpret_cast<unsigned char*>(seed.data()), &size) != 1)
        return tl::make_unexpected(broken("make a key"));
    auto key = from_seed(seed);
    OPENSSL_cleanse(seed.data(), seed.size());
    return key;
}

Result<SigningKey> SigningKey::from_seed(std::string_view seed) {
    if (seed.size() != kSize)
        return fail(Fault::kInvalid,
                    fmt::format("a private key has {} bytes, not {}", kSize, seed.size()));
    const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), kSize));
    std::array<std::uint8_t, PublicKey::kSize> bytes{};
    std::size_t size = bytes.size();
    if (!key || EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) != 1)
        return tl::make_unexpected(broken("read a key"));
    std::array<std::uint8_t, kSize> copy{};
    std::memcpy(copy.data(), seed.data(), kSize);
    SigningKey made(copy, PublicKey(bytes));
    OPENSSL_cleanse(copy.data(), copy.size());
    return made;
}

SigningKey::SigningKey(SigningKey&& other) noexcept : seed_(other.seed_), public_(other.public_) {
    OPENSSL_cleanse(other.seed_.data(), other.seed_.size());
}

SigningKey& SigningKey::operator=(SigningKey&& other) noexcept {
    if (this == &other) return *this;
    seed_ = other.seed_;
    public_ = other.public_;
    OPENSSL_cleanse(other.seed_.data(), other.seed_.size());
    return *this;
}

SigningKey::~SigningKey() {
    OPENSSL_cleanse(seed_.data(), seed_.size());
}

std::string_view SigningKey::seed() const {
    return {reinterpret_cast<const char*>(seed_.data()), seed_.size()};
}

Result<std::string> SigningKey::sign(std::string_view message) const {
    const Key key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed_.data(), seed_.size()));
    const Context context(EVP_MD_CTX_new());
    std::string signature(kSignature, '\0');
    std::size_t size = signature.size();
    if (!key || !context ||
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       bytes_of(message), message.size()) != 1 ||
        size != kSignature)
        return tl::make_unexpected(broken("sign"));
    return signature;
}

Result<KeyFacts> SigningKeys::create(const std::string& name, WallTime now) const {
    if (!good_name(name))
        return fail(
            Fault::kInvalid,
            fmt::format("'{}' cannot be a key's name; 1 to 64 characters, no line breaks", name));
    SEGUE_TRY(lock, FileLock::take(folder_ + "/keys"));
    SEGUE_TRY(known, list());
    for (const auto& one : known)
        if (one.name == name)
            return fail(Fault::kConflict,
                        fmt::format("there is a signing key '{}' already ({}); take another name",
                                    name, one.id));
    SEGUE_TRY(key, SigningKey::generate());
    KeyFacts facts{key.public_key().id(), name, key.public_key(), rfc3339(now)};
    std::string secret = base64_encode(key.seed());
    std::string text = json::object([&](json::Writer& w) {
        w.member("schema", kSchema).member("id", facts.id).member("name", name);
        w.member("created", facts.created).member("public_key", facts.key.text());
        w.member("private_key", secret);
    });
    const auto written =
        replace_file(folder_ + "/" + facts.id + ".json", text + "\n", FileAccess::kOwner);
    wipe(secret);
    wipe(text);
    if (!written) return tl::make_unexpected(written.error());
    return facts;
}

Result<std::vector<KeyFacts>> SigningKeys::list() const {
    std::vector<KeyFacts> out;
    DIR* const folder = ::opendir(folder_.c_str());
    if (folder == nullptr) {
        if (errno == ENOENT) return out;
        return fail(Fault::kIo, fmt::format("cannot read {}: {}", folder_, std::strerror(errno)));
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(folder))
        if (std::string_view(entry->d_name).ends_with(".json")) names.emplace_back(entry->d_name);
    ::closedir(folder);
    for (const auto& name : names) {
        const std::string path = folder_ + "/" + name;
        SEGUE_TRY(text, read_private(path));
        SEGUE_TRY(key, parse_key(path, text));
        out.push_back(std::move(key.facts));
    }
    std::sort(out.begin(), out.end(), [](const KeyFacts& a, const KeyFacts& b) {
        return std::tie(a.created, a.id) < std::tie(b.created, b.id);
    });
    return out;
}

Result<NamedKey> SigningKeys::open(std::string_view who) const {
    SEGUE_TRY(known, list());
    if (known.empty())
        return fail(
            Fault::kNotFound,
            fmt::format("there is no signing key in {}; make one: segue keys signing create "
                        "--name NAME",
                        folder_));
    const auto found = who.empty()
                           ? known.end() - 1
                           : std::find_if(known.begin(), known.end(), [&](const KeyFacts& one) {
                                 return one.id == who || one.name == who;
                             });
    if (found == known.end())
        return fail(
            Fault::kNotFound,
            fmt::format("there is no signing key '{}'; segue keys signing list shows them", who));
    const std::string path = folder_ + "/" + found->id + ".json";
    SEGUE_TRY(text, read_private(path));
    return parse_key(path, text);
}

}  // namespace segue::evidence
