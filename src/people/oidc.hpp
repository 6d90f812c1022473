/// Signing in with OpenID Connect: the authorization code flow with PKCE (RFC 7636), state and
/// nonce. What belongs to one attempt is kept in the browser's own cookie, so that any replica can
/// finish what another one began.
///
/// Of the identity token the signature (jwt.hpp), issuer, audience, time and nonce are checked. An
/// issuer without TLS is accepted on loopback only.
///
/// Thread: any; begin() and finish() block on the provider. Lifetime: the program's.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/client.hpp"
#include "people/jwt.hpp"

namespace segue::people {

struct OidcConfig {
    std::string issuer;  // "https://login.example/realm"
    std::string client_id;
    std::string client_secret;            // "" = a public client: PKCE alone
    std::string name = "OpenID Connect";  // on the button
    std::string redirect_url;             // "" = where the browser came to, /segue/v1/session/…
    std::vector<std::string> domains;     // of e-mail addresses that may come in; empty: all
    std::string ca_file;                  // PEM; "" = the system's
};

/// Ok, or what is wrong with it.
Result<void> good_oidc(const OidcConfig& config);

struct Identity {
    std::string subject;  // issuer and subject: never changes, never given to somebody else
    std::string login;
    std::string name;
};

class Oidc {
public:
    Oidc(OidcConfig config, const Clock& clock) : config_(std::move(config)), clock_(clock) {}

    struct Beginning {
        std::string url;     // where the browser goes
        std::string cookie;  // to be brought back
    };
    /// `redirect`: the callback as the browser reaches it; `return_to`: a path of ours.
    Result<Beginning> begin(const std::string& redirect, std::string_view return_to);
    struct End {
        Identity identity;
        std::string return_to;
    };
    Result<End> finish(const std::string& redirect, std::string_view code, std::string_view state,
                       std::string_view cookie);
    const OidcConfig& config() const { return config_; }

private:
    struct Provider {
        std::string authorization;
        std::string token;
        std::string keys;
    };
    Result<std::shared_ptr<const Provider>> provider();
    /// The signature is the provider's; its keys are asked for when they are not known, or changed.
    Result<void> check_signature(const Provider& provider, std::string_view id_token);
    Result<std::string> ask(const std::string& url, const std::string& form) const;
    Result<Identity> read_identity(std::string_view id_token, std::string_view nonce) const;

    const OidcConfig config_;
    const Clock& clock_;
    std::mutex mutex_;
    std::shared_ptr<const Provider> provider_;
    std::shared_ptr<const TokenKeys> keys_;
    TimePoint keys_asked_{};
};

/// `text` as a value inside a query or a form.
std::string percent_encode(std::string_view text);

}  // namespace segue::people
