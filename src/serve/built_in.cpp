#include "serve/built_in.hpp"

#include "base/embedded.hpp"
#include "base/log.hpp"
#include "rag/ingest/library.hpp"

namespace segue::embedded {
std::span<const EmbeddedFile> documentation();
}

namespace segue::serve {
namespace {

Result<rag::Collection> own_collection(rag::Collections& collections) {
    const auto everything = rag::Reader::administrator();
    auto found = collections.find(everything, kOwnDocuments);
    if (found || found.error().fault != Fault::kNotFound) return found;
    rag::NewCollection wanted;
    wanted.slug = kOwnDocuments;
    wanted.name = "Segue";
    wanted.description = "Segue's own documentation";
    wanted.built_in = true;
    wanted.readers = {{rag::Grant::Kind::kEveryone, ""}};
    return collections.create(wanted);
}

}  // namespace

Result<BuiltInOutcome> load_own_documents(store::Pool& pool, const std::stop_token& stop) {
    rag::Collections collections(pool);
    SEGUE_TRY(collection, own_collection(collections));
    BuiltInOutcome outcome;
    if (!collection.built_in) return outcome;
    rag::Library library(pool);
    std::vector<std::string> paths;
    for (const auto& file : embedded::documentation()) {
        if (stop.stop_requested()) return outcome;
        paths.emplace_back(file.name);
        SEGUE_TRY(added, library.add(collection.id, file.name, file.bytes, "segue"));
        if (added.kind == rag::Outcome::Kind::kFailed)
            log::warning("{} of Segue's own documentation could not be read: {}", file.name,
                         added.problem);
        ++outcome.documents;
        outcome.fresh += added.fresh;
    }
    SEGUE_TRY_VOID(library.remove_others(collection.id, paths));
    return outcome;
}

}  // namespace segue::serve
