#include "people/oidc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/base64url.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "people/people.hpp"
#include "people/secret.hpp"

namespace segue::people {
namespace {

constexpr std::chrono::milliseconds kPatience{10'000};
// Clocks of two machines.
constexpr std::int64_t kSkew = 120;
// Asked for again when a token's signature does not fit, but not with each such token.
constexpr auto kKeysStay = std::chrono::seconds(30);
constexpr std::size_t kMaxAnswer = 1024 * 1024;

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

struct Place {
    net::Origin origin;
    std::string path;
};
/// A URL of the provider: TLS, or this machine.
Result<Place> place_of(std::string_view url) {
    const auto scheme = url.find("://");
    const auto slash = scheme == std::string_view::npos ? url.size() : url.find('/', scheme + 3);
    const auto origin = net::parse_origin(url.substr(0, slash), 443);
    if (scheme == std::string_view::npos || !origin)
        return fail(Fault::kInvalid, fmt::format("'{}' is not a URL", url), "oidc");
    if (origin->scheme == net::Origin::Scheme::kHttp && !is_loopback(origin->host))
        return fail(Fault::kInvalid,
                    fmt::format("'{}' is not protected by TLS, and anybody between could say who "
                                "signs in; use https",
                                url),
                    "oidc");
    std::string path(slash < url.size() ? url.substr(slash) : std::string_view("/"));
    return Place{*origin, std::move(path)};
}

tl::unexpected<Error> provider_says(std::string_view what) {
    return fail(
        Fault::kUnreachable,
        fmt::format("the identity provider {}; an administrator finds more in its log", what),
        "oidc");
}

}  // namespace

std::string percent_encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

Result<void> good_oidc(const OidcConfig& config) {
    SEGUE_TRY(place, place_of(config.issuer));
    (void)place;
    if (config.client_id.empty())
        return fail(Fault::kInvalid, "oidc.issuer needs oidc.client_id beside it", "oidc");
    return {};
}

/// GET, or POST where there is a form; the body of a good answer.
Result<std::string> Oidc::ask(const std::string& url, const std::string& form) const {
    SEGUE_TRY(place, place_of(url));
    net::ClientRequest request;
    request.origin = place.origin;
    request.path = place.path;
    request.deadlines.total = kPatience;
    request.headers.add("Accept", "application/json");
    if (!config_.ca_file.empty())
        request.tls = std::make_shared<const net::TlsOptions>(
            net::TlsOptions{.verify = true, .ca_file = config_.ca_file, .server_name = ""});
    if (!form.empty()) {
        request.method = "POST";
        request.headers.add("Content-Type", "application/x-www-form-urlencoded");
        if (!config_.client_secret.empty())
            request.headers.add("Authorization",
                                "Basic " + base64_encode(percent_encode(config_.client_id) + ":" +
                                                         percent_encode(config_.client_secret)));
        request.body = form;
    }
    SEGUE_TRY(response, net::fetch(std::move(request), kMaxAnswer));
    if (response.status == 200) return std::move(response.body);
    // RFC 6749's error is a word; its description may hold anything and stays out of what we say.
    json::Parser parser;
    const auto body = parser.parse(response.body);
    const std::string_view word =
        body ? (*body)["error"].string().substr(0, 60) : std::string_view{};
    return provider_says(fmt::format("answered {} at {}{}{}", response.status, place.path,
                                     word.empty() ? "" : ": ", word));
}

Result<std::shared_ptr<const Oidc::Provider>> Oidc::provider() {
    {
        const std::lock_guard lock(mutex_);
        if (provider_) return provider_;
    }
    std::string_view issuer = config_.issuer;
    while (issuer.ends_with('/'))
        issuer.remove_suffix(1);
    SEGUE_TRY(text, ask(std::string(issuer) + "/.well-known/openid-configuration", ""));
    json::Parser parser;
    const auto body = parser.parse(text);
    if (!body) return provider_says("has no readable description at /.well-known");
    // A description of somebody else must not stand for this one (Discovery 4.3).
    if ((*body)["issuer"].string() != config_.issuer)
        return provider_says(fmt::format("calls itself '{}', not '{}' as oidc.issuer says",
                                         (*body)["issuer"].string().substr(0, 200),
                                         config_.issuer));
    auto found = std::make_shared<Provider>();
    found->authorization = (*body)["authorization_endpoint"].string();
    found->token = (*body)["token_endpoint"].string();
    found->keys = (*body)["jwks_uri"].string();
    for (const auto* url : {&found->authorization, &found->token, &found->keys}) {
        SEGUE_TRY(place, place_of(*url));
        (void)place;
    }
    const std::lock_guard lock(mutex_);
    provider_ = std::move(found);
    return provider_;
}

Result<Oidc::Beginning> Oidc::begin(const std::string& redirect, std::string_view return_to) {
    SEGUE_TRY(known, provider());
    SEGUE_TRY(state, make_token());
    SEGUE_TRY(nonce, make_token());
    SEGUE_TRY(verifier, make_token());
    // Only a path of ours: "//evil.example" and "/\evil.example" are other places to browsers.
    const bool own = return_to.starts_with('/') && !return_to.starts_with("//") &&
                     return_to.find('\\') == std::string_view::npos && return_to.size() < 500;
    Beginning out;
    out.cookie =
        fmt::format("{}.{}.{}.{}", state, nonce, verifier, base64url_encode(own ? return_to : "/"));
    const auto& base = known->authorization;
    out.url = fmt::format(
        "{}{}response_type=code&client_id={}&redirect_uri={}&scope=openid%20profile%20email&state={"
        "}"
        "&nonce={}&code_challenge={}&code_challenge_method=S256",
        base, base.find('?') == std::string::npos ? "?" : "&", percent_encode(config_.client_id),
        percent_encode(redirect), state, nonce, base64url_encode(token_hash(verifier)));
    return out;
}

Result<Oidc::End> Oidc::finish(const std::string& redirect, std::string_view code,
                               std::string_view state, std::string_view cookie) {
    const auto parts = split(cookie, '.');
    if (parts.size() != 4 || state.empty() || parts[0] != state)
        return fail(Fault::kInvalid,
                    "this sign-in was not begun in this browser, or too long ago; begin again",
                    "oidc");
    SEGUE_TRY(known, provider());
    std::string form = fmt::format(
        "grant_type=authorization_code&code={}&redirect_uri={}"
        "&code_verifier={}",
        percent_encode(code), percent_encode(redirect), parts[2]);
    if (config_.client_secret.empty()) form += "&client_id=" + percent_encode(config_.client_id);
    SEGUE_TRY(text, ask(known->token, form));
    json::Parser parser;
    const auto body = parser.parse(text);
    const std::string_view id_token = body ? (*body)["id_token"].string() : std::string_view{};
    if (id_token.empty()) return provider_says("gave no identity token");
    SEGUE_TRY_VOID(check_signature(*known, id_token));
    SEGUE_TRY(identity, read_identity(id_token, parts[1]));
    return End{std::move(identity), base64url_decode(parts[3]).value_or("/")};
}

Result<void> Oidc::check_signature(const Provider& provider, std::string_view id_token) {
    using Verdict = TokenKeys::Verdict;
    std::shared_ptr<const TokenKeys> keys;
    bool may_ask = false;
    {
        const std::lock_guard lock(mutex_);
        keys = keys_;
        may_ask = !keys || clock_.now() - keys_asked_ > kKeysStay;
    }
    Verdict verdict = keys ? keys->check(id_token) : Verdict::kUnknownKey;
    // Providers change their keys; one without a name looks like a forgery then.
    if ((verdict == Verdict::kUnknownKey || verdict == Verdict::kForged) && may_ask) {
        SEGUE_TRY(text, ask(provider.keys, ""));
        auto fresh = TokenKeys::parse(text);
        if (!fresh) return provider_says("has no readable keys (jwks_uri)");
        keys = std::make_shared<const TokenKeys>(std::move(*fresh));
        verdict = keys->check(id_token);
        const std::lock_guard lock(mutex_);
        keys_ = keys;
        keys_asked_ = clock_.now();
    }
    switch (verdict) {
        case Verdict::kGood: return {};
        case Verdict::kForged:
            return provider_says("gave an identity token with a signature that is not its own");
        case Verdict::kUnknownKey:
            return provider_says(
                "gave an identity token signed with a key that it does not publish");
        case Verdict::kUnsupported: break;
    }
    return provider_says("gave an identity token that is not signed by RS256 or ES256");
}

Result<Identity> Oidc::read_identity(std::string_view id_token, std::string_view nonce) const {
    const auto parts = split(id_token, '.');
    const auto payload = parts.size() == 3 ? base64url_decode(parts[1]) : std::nullopt;
    json::Parser parser;
    const auto parsed = parser.parse(payload.value_or(""));
    if (!parsed) return provider_says("gave an identity token that cannot be read");
    const json::Value claims = *parsed;
    const json::Value audience = claims["aud"];
    bool for_us = audience.string() == config_.client_id;
    for (const auto one : audience)
        for_us = for_us || one.string() == config_.client_id;
    // Of several audiences the one that asked is named (3.1.3.7, 4 and 5).
    if (audience.size() > 1 || !claims["azp"].absent())
        for_us = for_us && claims["azp"].string() == config_.client_id;
    const std::int64_t now = unix_seconds(clock_.wall());
    if (claims["iss"].string() != config_.issuer || !for_us)
        return provider_says("gave an identity token for somebody else");
    if (claims["exp"].integer().value_or(0) + kSkew < now)
        return provider_says("gave an identity token that has expired (do the clocks agree?)");
    if (claims["nbf"].integer().value_or(0) > now + kSkew)
        return provider_says("gave an identity token for later (do the clocks agree?)");
    if (claims["nonce"].string() != nonce || nonce.empty())
        return provider_says("gave an identity token of another sign-in");
    const std::string_view subject = claims["sub"].string();
    if (subject.empty()) return provider_says("does not say who it is");

    std::string email(claims["email"].string());
    if (!claims["email_verified"].boolean(true)) email.clear();
    if (!config_.domains.empty()) {
        const std::string domain =
            to_lower(email.substr(std::min(email.rfind('@'), email.size() - 1) + 1));
        if (email.find('@') == std::string::npos ||
            std::none_of(config_.domains.begin(), config_.domains.end(),
                         [&](const std::string& one) { return to_lower(one) == domain; }))
            return fail(Fault::kInvalid,
                        "only people with an e-mail address of this company may come in; an "
                        "administrator sets oidc.domains",
                        "oidc");
    }
    Identity identity;
    identity.subject = config_.issuer + " " + std::string(subject);
    for (const std::string_view one :
         {std::string_view(email), claims["preferred_username"].string(), subject})
        if (identity.login.empty() && good_login(one)) identity.login = one;
    identity.name = replace_invalid_utf8(claims["name"].string().substr(0, 200));
    return identity;
}

}  // namespace segue::people
