#include "rag/ingest/archive.hpp"

#include <fmt/format.h>
#include <zip.h>

namespace segue::rag {
namespace {

constexpr std::size_t kMostUnpacked = 256U << 20U;
// Deflate reaches 1032; real documents stay far below 100.
constexpr std::size_t kMostRatio = 200;
constexpr std::size_t kFree = 4U << 20U;  // what small files may unpack to whatever the ratio
constexpr zip_int64_t kMostEntries = 100'000;

tl::unexpected<Error> bomb() {
    return fail(Fault::kTooLarge,
                "the file unpacks to far more than a document holds (a bomb, or pictures of "
                "gigabytes); nothing of it was read");
}

}  // namespace

void Archive::Close::operator()(zip* archive) const {
    zip_discard(archive);
}

Result<Archive> Archive::open(std::string_view bytes) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    zip_t* opened = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : nullptr;
    if (!opened) {
        const std::string why = zip_error_strerror(&error);
        zip_error_fini(&error);
        if (source) zip_source_free(source);
        return fail(
            Fault::kInvalid,
            fmt::format("the file is broken: as a ZIP archive it cannot be opened ({}); save "
                        "it again",
                        why));
    }
    zip_error_fini(&error);
    std::unique_ptr<zip, Close> archive(opened);
    if (zip_get_num_entries(opened, 0) > kMostEntries) return bomb();
    return Archive(std::move(archive), bytes.size());
}

std::vector<std::string> Archive::names() const {
    std::vector<std::string> names;
    const auto count = zip_get_num_entries(archive_.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i)
        if (const char* name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), 0))
            names.emplace_back(name);
    return names;
}

bool Archive::has(const std::string& name) const {
    return zip_name_locate(archive_.get(), name.c_str(), 0) >= 0;
}

Result<std::string> Archive::read(const std::string& name) {
    zip_stat_t stat;
    if (zip_stat(archive_.get(), name.c_str(), 0, &stat) != 0)
        return fail(Fault::kNotFound, fmt::format("the file lacks its part {}", name));
    if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
        return fail(Fault::kInvalid,
                    "the file is encrypted; save it without a password and add it again");
    zip_file_t* file = zip_fopen(archive_.get(), name.c_str(), 0);
    if (!file)
        return fail(Fault::kInvalid,
                    fmt::format("the file is broken: its part {} cannot be opened; "
                                "save it again",
                                name));
    std::string text;
    std::string buffer(1U << 16U, '\0');
    zip_int64_t count = 0;
    // The declared size may lie; what comes out counts.
    while ((count = zip_fread(file, buffer.data(), buffer.size())) > 0) {
        text.append(buffer, 0, static_cast<std::size_t>(count));
        unpacked_ += static_cast<std::size_t>(count);
        if (unpacked_ > kMostUnpacked || (unpacked_ > kFree && unpacked_ / kMostRatio > packed_)) {
            zip_fclose(file);
            return bomb();
        }
    }
    const bool broken = count < 0;
    const bool checked = zip_fclose(file) == 0;
    if (broken || !checked)
        return fail(
            Fault::kInvalid,
            fmt::format("the file is broken: its part {} cannot be unpacked; save it again", name));
    return text;
}

}  // namespace segue::rag
