#include "evidence/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "evidence/canonical_json.hpp"

namespace segue::evidence {
namespace {

constexpr std::string_view kSchema = "segue-evidence/1";
constexpr std::string_view kFamily = "segue-evidence/";
// Clocks of two machines differ; a record from further in the future is wrong.
constexpr auto kClockSkew = std::chrono::minutes(5);
constexpr std::array kStandings{Standing::kClean, Standing::kNotClean, Standing::kNotLookedAt};

/// What is signed names its purpose, so that a signature can never be taken for one of something
/// else that the same key signs.
std::string message_of(std::string_view canonical) {
    return std::string(kSchema) + "\n" + std::string(canonical);
}

std::string record_json(const Record& record, const PublicKey& key) {
    return json::object([&](json::Writer& w) {
        w.member("kind", record.kind).member("claim", record.claim).member("holds", record.holds);
        w.member("issued_at", rfc3339(record.issued)).member("expires_at", rfc3339(record.expires));
        w.key("tool")
            .begin_object()
            .member("name", "segue")
            .member("version", record.tool)
            .end_object();
        w.key("signer")
            .begin_object()
            .member("name", record.signer)
            .member("key_id", key.id())
            .end_object();
        w.member_raw("subject", record.subject.empty() ? "{}" : record.subject);
        w.member_raw("details", record.details.empty() ? "{}" : record.details);
        w.key("parts").begin_array();
        for (const auto& part : record.parts) {
            w.begin_object().member("id", part.id).member("title", part.title);
            w.member("standing", standing_name(part.standing)).member("required", part.required);
            w.member("says", part.says).member("command", part.command).key("seen").begin_array();
            for (const auto& line : part.seen)
                w.string(line);
            w.end_array().end_object();
        }
        w.end_array().key("blind_spots").begin_array();
        for (const auto& spot : record.blind_spots)
            w.string(spot);
        w.end_array();
    });
}

std::optional<Record> read_record(json::Value value) {
    Record record;
    record.kind = value["kind"].string();
    record.claim = value["claim"].string();
    record.holds = value["holds"].boolean();
    record.tool = value["tool"]["version"].string();
    record.signer = value["signer"]["name"].string();
    record.subject = value["subject"].raw();
    record.details = value["details"].raw();
    const auto issued = parse_rfc3339(value["issued_at"].string());
    const auto expires = parse_rfc3339(value["expires_at"].string());
    if (record.kind.empty() || record.claim.empty() || !issued || !expires ||
        !value["subject"].is_object() || !value["parts"].is_array())
        return std::nullopt;
    record.issued = *issued;
    record.expires = *expires;
    for (const auto entry : value["parts"]) {
        Part part;
        part.id = entry["id"].string();
        part.title = entry["title"].string();
        const auto standing = std::find_if(kStandings.begin(), kStandings.end(), [&](Standing one) {
            return standing_name(one) == entry["standing"].string();
        });
        if (standing == kStandings.end()) return std::nullopt;
        part.standing = *standing;
        part.required = entry["required"].boolean();
        part.says = entry["says"].string();
        part.command = entry["command"].string();
        for (const auto line : entry["seen"])
            part.seen.emplace_back(line.string());
        record.parts.push_back(std::move(part));
    }
    for (const auto spot : value["blind_spots"])
        record.blind_spots.emplace_back(spot.string());
    return record;
}

std::string minute(WallTime time) {
    std::string text = rfc3339(time).substr(0, 16);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text + " UTC";
}

/// Collects the checks of one file in order; stops where going on would say nothing.
class Examiner {
public:
    explicit Examiner(const Trust& trust, WallTime now) : trust_(trust), now_(now) {}

    Verdict examine(std::string_view text) {
        json::Parser parser;
        const auto root = parser.parse(text);
        if (!root) {
            bad("format", fmt::format("this is no JSON: {} at byte {}", root.error().reason,
                                      root.error().offset));
            return std::move(verdict_);
        }
        const auto schema = (*root)["schema"].string();
        if (schema != kSchema) {
            bad("format",
                schema.starts_with(kFamily)
                    ? fmt::format("this is {}, which a newer segue made; this one reads {}", schema,
                                  kSchema)
                    : std::string("this is no evidence file; segue audit --prove writes one"));
            return std::move(verdict_);
        }
        const auto record = (*root)["record"];
        const auto canonical =
            record.is_object() ? canonical_json(record)
                               : Result<std::string>(fail(Fault::kInvalid, "it holds no record"));
        if (!canonical) {
            bad("format", canonical.error().detail);
            return std::move(verdict_);
        }
        good("format", std::string(kSchema));
        hash(*canonical, (*root)["sha256"].string());
        signature(*canonical, (*root)["signature"]);
        verdict_.record = read_record(record);
        if (!verdict_.record) {
            bad("record", "the record lacks its kind, claim, times, subject or parts");
            return std::move(verdict_);
        }
        signer();
        times();
        return std::move(verdict_);
    }

private:
    void add(Check::Outcome outcome, std::string what, std::string says) {
        verdict_.checks.push_back({outcome, std::move(what), std::move(says)});
    }
    void good(std::string what, std::string says) {
        add(Check::Outcome::kGood, std::move(what), std::move(says));
    }
    void bad(std::string what, std::string says) {
        add(Check::Outcome::kBad, std::move(what), std::move(says));
    }

    void hash(std::string_view canonical, std::string_view told) {
        const std::string made = sha256_hex(canonical);
        if (made == told)
            good("hash", fmt::format("the record's SHA-256 is {}", made));
        else
            bad("hash",
                fmt::format("the record's SHA-256 is {}, and the file says {}: it was changed",
                            made, told.empty() ? "nothing" : told));
    }

    void signature(std::string_view canonical, json::Value signature) {
        if (signature["algorithm"].string() != "ed25519") {
            bad("signature", "there is no Ed25519 signature");
            return;
        }
        auto key = PublicKey::parse(signature["public_key"].string());
        if (!key) {
            bad("signature", "the file's public key cannot be read");
            return;
        }
        const auto value = base64_decode(signature["value"].string());
        if (value && key->verifies(message_of(canonical), *value)) {
            good("signature", fmt::format("made with the key {}", key->id()));
            verdict_.signer = *key;
        } else {
            bad("signature",
                fmt::format("not made with the key {} over this record: one of them was changed",
                            key->id()));
        }
    }

    void signer() {
        if (!verdict_.signer) return;
        const auto& key = *verdict_.signer;
        if (trust_.given) {
            if (*trust_.given == key)
                good("signer", fmt::format("the key that you named, {}", key.id()));
            else
                bad("signer",
                    fmt::format("signed with {}, and you named {}", key.id(), trust_.given->id()));
            return;
        }
        const auto own = std::find_if(trust_.own.begin(), trust_.own.end(),
                                      [&](const KeyFacts& one) { return one.key == key; });
        if (own != trust_.own.end())
            good("signer",
                 fmt::format("this installation's own key '{}', {}", own->name, key.id()));
        else
            add(Check::Outcome::kOpen, "signer",
                fmt::format("signed with {}, which only the file itself names: it was not changed "
                            "since, but "
                            "anybody could have made it; name the key that you expect with --key",
                            key.id()));
    }

    void times() {
        const Record& record = *verdict_.record;
        if (record.issued > now_ + kClockSkew)
            bad("time",
                fmt::format("issued at {}, which is in the future; is this machine's clock right?",
                            minute(record.issued)));
        else if (record.expires <= now_)
            bad("time", fmt::format("expired at {}; prove it again", minute(record.expires)));
        else
            good("time", fmt::format("issued at {}, in force until {}", minute(record.issued),
                                     minute(record.expires)));
    }

    const Trust& trust_;
    WallTime now_;
    Verdict verdict_;
};

}  // namespace

std::string_view standing_name(Standing standing) {
    switch (standing) {
        case Standing::kClean: return "clean";
        case Standing::kNotClean: return "not clean";
        case Standing::kNotLookedAt: return "not looked at";
    }
    return "not looked at";
}

Result<std::string> sign_record(const Record& record, const SigningKey& key) {
    SEGUE_TRY(canonical, canonical_json(record_json(record, key.public_key())));
    SEGUE_TRY(signature, key.sign(message_of(canonical)));
    return json::object([&](json::Writer& w) {
               w.member("schema", kSchema).member_raw("record", canonical);
               w.member("sha256", sha256_hex(canonical)).key("signature").begin_object();
               w.member("algorithm", "ed25519").member("key_id", key.public_key().id());
               w.member("public_key", key.public_key().text());
               w.member("value", base64_encode(signature)).end_object();
           }) +
           "\n";
}

bool Verdict::authentic() const {
    return record && !checks.empty() &&
           std::none_of(checks.begin(), checks.end(),
                        [](const Check& check) { return check.outcome == Check::Outcome::kBad; });
}

Verdict verify(std::string_view text, const Trust& trust, WallTime now) {
    return Examiner(trust, now).examine(text);
}

}  // namespace segue::evidence
