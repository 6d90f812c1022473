/// Evidence: an immutable record that a command produced, signed. The one form for all kinds of
/// evidence (audit today); whoever has the file and the public key can check it, with this program
/// or another one (docs/evidence.md).
///
/// A file is one JSON object: the record, the SHA-256 of its canonical JSON (RFC 8785), and an
/// Ed25519 signature over "segue-evidence/1\n" followed by that canonical JSON. White space and the
/// order of members do not matter to it. Pure but for the key; any thread; values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "evidence/signing.hpp"

namespace segue::evidence {

/// "Not looked at" is never clean.
enum class Standing : std::uint8_t { kClean, kNotClean, kNotLookedAt };
std::string_view standing_name(Standing standing);

/// One thing that was looked at, or was not.
struct Part {
    std::string id;     // "SEG204"
    std::string title;  // "listeners"
    Standing standing = Standing::kNotLookedAt;
    bool required = false;          // the claim does not hold unless it is clean
    std::string says;               // what was seen; of a part not looked at: why not
    std::string command;            // what a person can run to look
    std::vector<std::string> seen;  // what spoils it, or is worth knowing; one a line
};

struct Record {
    std::string kind;     // "audit"
    std::string claim;    // "reference-free"
    bool holds = false;   // whether the claim is proved
    std::string subject;  // a JSON object: what the claim is about
    std::string details;  // a JSON object: what supports it
    std::vector<Part> parts;
    std::vector<std::string> blind_spots;  // what nothing here can see
    WallTime issued{};
    WallTime expires{};
    std::string signer;  // name of the key, for people
    std::string tool = SEGUE_VERSION;
};

/// The text of the evidence file, with a newline at its end.
Result<std::string> sign_record(const Record& record, const SigningKey& key);

/// One thing that verify() checked.
struct Check {
    enum class Outcome : std::uint8_t { kGood, kBad, kOpen } outcome = Outcome::kOpen;
    std::string what;  // "signature"
    std::string says;
};

struct Verdict {
    std::vector<Check> checks;
    std::optional<Record> record;  // absent: the file could not be read as evidence
    std::optional<PublicKey> signer;

    /// Nothing that was checked is bad.
    bool authentic() const;
    /// Authentic, in force, and its claim holds.
    bool good() const { return authentic() && record && record->holds; }
};

/// Whom the checker trusts. Without any key the file's own key is used, and the verdict says what
/// that does not prove.
struct Trust {
    std::optional<PublicKey> given;  // named by the person who checks
    std::vector<KeyFacts> own;       // this installation's keys
};

/// Checks a file's text. Never fails: what is wrong with the file is the verdict.
Verdict verify(std::string_view text, const Trust& trust, WallTime now);

}  // namespace segue::evidence
