/// Collections and the lists of what is in them, as a reader may see them.
///
/// Thread: any. Lifetime: the pool's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "rag/search/types.hpp"
#include "store/pool.hpp"

namespace segue::rag {

struct Collection {
    std::int64_t id = 0;
    std::string slug;  // its name in addresses and after the @ of a model
    std::string name;
    std::string description;
    bool built_in = false;
    bool can_write = false;  // the one who asks may
    std::int64_t documents = 0;
    std::int64_t passages = 0;
    std::int64_t embedded = 0;
    std::int64_t failed = 0;
    std::vector<Grant> readers;
    std::vector<Grant> writers;
    WallTime updated_at{};
};

/// What most work needs of a collection: found without counting what is in it.
struct CollectionEntry {
    std::int64_t id = 0;
    std::string slug;
    std::string name;
    bool can_write = false;
};

struct NewCollection {
    std::string slug;
    std::string name;  // "" = the slug
    std::string description;
    bool built_in = false;
    std::vector<Grant> readers;
    std::vector<Grant> writers;
};

struct CollectionChange {
    std::optional<std::string> name;
    std::optional<std::string> description;
    std::optional<std::vector<Grant>> readers;
    std::optional<std::vector<Grant>> writers;
};

struct Document {
    std::int64_t id = 0;
    std::string collection;
    std::string path;
    std::string title;
    std::string type;
    std::int64_t bytes = 0;
    std::string sha256;
    std::string state;  // waiting, reading, embedding, ready, failed
    std::optional<std::string> problem;
    std::int64_t passages = 0;
    std::int64_t embedded = 0;
    std::optional<int> pages;
    WallTime updated_at{};
    int reader = 0;
};

struct DocumentFilter {
    std::string text;   // in path or title
    std::string state;  // "" = any
    std::int64_t after = 0;
    std::size_t limit = 100;
};
struct DocumentPage {
    std::vector<Document> documents;
    std::int64_t total = 0;
    std::optional<std::int64_t> next;  // give it as `after`
};

struct PlacedPassage {
    std::int64_t id = 0;
    int ordinal = 0;
    std::vector<std::string> heading;
    std::string body;
    Place place;
};

/// True for what may stand in addresses and behind the @ of a model: `^[a-z0-9][a-z0-9._-]{0,62}$`
bool is_collection_slug(std::string_view text);

class Collections {
public:
    explicit Collections(store::Pool& pool) : pool_(pool) {}

    /// Those that the reader may read, by slug.
    Result<std::vector<CollectionEntry>> entries(const Reader& reader);
    /// kNotFound names the collections that the reader has; one that he may not read does not
    /// exist.
    Result<CollectionEntry> entry(const Reader& reader, std::string_view slug);
    /// The same, and he may write: kNotFound when he may not read, kConflict when only that.
    Result<CollectionEntry> writable_entry(const Reader& reader, std::string_view slug);
    /// kNotFound as of entry() for the first that the reader has not.
    Result<void> check_readable(const Reader& reader, std::span<const std::string> slugs);

    /// With grants and counts, which take longer the more is in them.
    Result<std::vector<Collection>> list(const Reader& reader);
    Result<Collection> find(const Reader& reader, std::string_view slug);
    Result<Collection> create(const NewCollection& wanted);
    Result<void> change(std::int64_t collection, const CollectionChange& change);
    /// With all its documents.
    Result<void> remove(std::int64_t collection);

    Result<DocumentPage> documents(std::int64_t collection, const DocumentFilter& filter);
    Result<Document> document(const Reader& reader, std::int64_t id);
    /// The passages of a document in order, `limit` of them from `from` on.
    Result<std::vector<PlacedPassage>> text(std::int64_t document, int from, std::size_t limit);
    /// Where a passage stands in a document.
    Result<std::optional<int>> ordinal(std::int64_t document, std::int64_t passage);

private:
    store::Pool& pool_;
};

}  // namespace segue::rag
