#include "gateway/content_coding.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <memory>

#include "base/text.hpp"

namespace segue::gateway {
namespace {

using Cause = llm::Failure::Cause;
constexpr std::size_t kStep = 64 * 1024;

tl::unexpected<llm::Failure> too_large(std::size_t limit) {
    return llm::refuse(Cause::kTooLarge,
                       fmt::format("the decoded body is larger than {} bytes", limit));
}

llm::Outcome<std::string> gunzip(std::string_view body, std::size_t limit) {
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 32) != Z_OK)
        return llm::refuse(Cause::kInternal, "zlib could not start");
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> guard(&stream, &inflateEnd);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream.avail_in = static_cast<uInt>(body.size());
    std::string out;
    std::array<char, kStep> buffer{};
    int status = Z_OK;
    while (status != Z_STREAM_END) {
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = kStep;
        status = inflate(&stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END)
            return llm::refuse(Cause::kBadRequest, "the body is not valid gzip");
        const std::size_t made = kStep - stream.avail_out;
        if (out.size() + made > limit) return too_large(limit);
        out.append(buffer.data(), made);
        if (made == 0 && stream.avail_in == 0 && status != Z_STREAM_END)
            return llm::refuse(Cause::kBadRequest, "the gzip body is cut off");
    }
    return out;
}

llm::Outcome<std::string> unzstd(std::string_view body, std::size_t limit) {
    const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(),
                                                                            &ZSTD_freeDStream);
    ZSTD_inBuffer in{body.data(), body.size(), 0};
    std::string out;
    std::array<char, kStep> buffer{};
    std::size_t left = 1;
    while (left != 0) {
        ZSTD_outBuffer step{buffer.data(), buffer.size(), 0};
        left = ZSTD_decompressStream(stream.get(), &step, &in);
        if (ZSTD_isError(left))
            return llm::refuse(Cause::kBadRequest, "the body is not valid zstd");
        if (out.size() + step.pos > limit) return too_large(limit);
        out.append(buffer.data(), step.pos);
        if (left != 0 && step.pos == 0 && in.pos == in.size)
            return llm::refuse(Cause::kBadRequest, "the zstd body is cut off");
    }
    return out;
}

}  // namespace

llm::Outcome<std::string> decode_content(std::string_view coding, std::string body,
                                         std::size_t limit) {
    coding = trim(coding);
    if (coding.empty() || iequals(coding, "identity")) return body;
    if (iequals(coding, "gzip") || iequals(coding, "x-gzip")) return gunzip(body, limit);
    if (iequals(coding, "zstd")) return unzstd(body, limit);
    return llm::refuse(
        Cause::kMediaType,
        fmt::format("content encoding '{}' is not understood; use gzip, zstd or none", coding));
}

}  // namespace segue::gateway
