/// What documents and searches are made of: the rows of the store's document tables as values.
///
/// Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace segue::rag {

/// Who may read (or write) a collection. `id` is the role's name or the person's id, "" for
/// everyone.
struct Grant {
    enum class Kind : std::uint8_t { kEveryone, kRole, kPerson } kind = Kind::kEveryone;
    std::string id;
    bool operator==(const Grant&) const = default;
};
std::string_view grant_kind_name(Grant::Kind kind);
std::optional<Grant::Kind> parse_grant_kind(std::string_view name);

/// For whom something is read or written. What a reader may not see does not exist for him.
struct Reader {
    bool everything = false;  // administrators, and the command line on the machine itself
    std::string person;
    std::string role;
    static Reader administrator() { return {.everything = true, .person = {}, .role = {}}; }
};

/// Where a passage stands in its document; 0: does not apply.
struct Place {
    int page = 0;
    int first_line = 0;
    int last_line = 0;
    bool operator==(const Place&) const = default;
};

/// A piece of a document as it is indexed.
struct Passage {
    std::vector<std::string> heading;  // outermost first
    std::string body;
    Place place;
    bool operator==(const Passage&) const = default;
};

/// What somebody handed in and waits to be read. It may be taken back or replaced while it is read;
/// what was read is dropped then.
struct Upload {
    std::int64_t document = 0;
    WallTime accepted{};
};

/// A document that was read and cut.
struct ReadDocument {
    std::string path;
    std::string title;
    std::string type;
    std::string language;  // "" = of its text
    std::string sha256;
    std::int64_t bytes = 0;
    int pages = 0;  // 0: it has none
    std::string added_by;
    std::optional<WallTime> modified;  // nothing: now
    std::string salt;  // not "": its passages are its own, even where another one has the same text
    std::vector<Passage> passages;
    std::optional<Upload> upload;
};

/// A document that could not be read.
struct FailedDocument {
    std::string path;
    std::string type;
    std::string sha256;
    std::int64_t bytes = 0;
    std::string added_by;
    std::string problem;
    std::optional<Upload> upload;
};

enum class Mode : std::uint8_t { kHybrid, kKeyword, kVector };
std::string_view mode_name(Mode mode);
std::optional<Mode> parse_mode(std::string_view name);

/// How passages are ranked; the defaults are what was measured best (docs/retrieval.md).
struct Ranking {
    double k1 = 1.2;
    double b = 0.75;
    double vector_weight = 0.5;  // of the fused score, 0 to 1
    std::optional<double> rrf;   // Σ 1/(rrf + rank) instead of scaled scores
    bool operator==(const Ranking&) const = default;
};

/// Raised when the parsers read better: documents that an older version read are read again.
inline constexpr int kReaderVersion = 1;

}  // namespace segue::rag
