/// Documents from files: reads what is new or changed, writes it, names what failed and why.
///
/// Thread: the caller's. Lifetime: the pool's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "rag/ingest/reader.hpp"
#include "rag/search/collections.hpp"
#include "rag/search/index.hpp"
#include "store/pool.hpp"

namespace segue::rag {

/// A file of this machine and the path it gets in the collection.
struct SourceFile {
    std::string file;
    std::string path;
};
/// A file as it is, a folder with all below it (hidden ones and links that lead out left out).
/// `unreadable` names folders that could not be entered.
Result<std::vector<SourceFile>> find_files(const std::string& path,
                                           std::vector<std::string>& unreadable);

/// A path in a collection as it may be: relative, without '.', '..', control or direction
/// characters; "" when nothing is left.
std::string clean_path(std::string_view path);

struct Outcome {
    enum class Kind : std::uint8_t { kAdded, kChanged, kUnchanged, kFailed } kind = Kind::kAdded;
    std::string path;
    std::size_t passages = 0;
    std::size_t fresh = 0;
    std::string problem;  // of a failed one
    std::int64_t document = 0;
};

class Library {
public:
    explicit Library(store::Pool& pool, std::string program = "", ReadLimits limits = {})
        : pool_(pool), index_(pool), reader_(std::move(program), limits), limits_(limits) {}

    /// Adds or replaces one document; an Error only when the store failed, or (kNotFound) when
    /// `upload` was taken back or replaced while it was read.
    Result<Outcome> add(std::int64_t collection, std::string_view path, std::string_view bytes,
                        std::string_view added_by, const std::optional<Upload>& upload = {});
    Result<Outcome> add_file(std::int64_t collection, const SourceFile& source,
                             std::string_view added_by);
    /// Documents of the collection that are none of `paths` go.
    Result<std::vector<std::string>> remove_others(std::int64_t collection,
                                                   const std::vector<std::string>& paths);

private:
    Result<Outcome> failed(std::int64_t collection, std::string_view path, std::string_view bytes,
                           std::string_view added_by, std::string problem,
                           const std::optional<Upload>& upload = {});

    store::Pool& pool_;
    Index index_;
    DocumentReader reader_;
    ReadLimits limits_;
};

}  // namespace segue::rag
