#include "gateway/content_coding.hpp"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace segue::gateway {
namespace {

std::string gzip(const std::string& text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(text.size() + 1024, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string zstd(const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}

TEST(ContentCoding, DecodesGzipAndZstd) {
    const std::string text(200'000, 'x');
    EXPECT_EQ(decode_content("", text, 1), text);
    EXPECT_EQ(*decode_content("gzip", gzip(text), 1'000'000), text);
    EXPECT_EQ(*decode_content(" ZSTD ", zstd(text), 1'000'000), text);
}

TEST(ContentCoding, RefusesBombsRubbishAndOtherCodings) {
    using Cause = llm::Failure::Cause;
    const std::string text(200'000, 'x');
    EXPECT_EQ(decode_content("gzip", gzip(text), 100'000).error().cause, Cause::kTooLarge);
    EXPECT_EQ(decode_content("zstd", zstd(text), 100'000).error().cause, Cause::kTooLarge);
    EXPECT_EQ(decode_content("gzip", "rubbish", 100).error().cause, Cause::kBadRequest);
    EXPECT_EQ(decode_content("zstd", "rubbish", 100).error().cause, Cause::kBadRequest);
    const std::string whole = gzip(text);
    EXPECT_EQ(decode_content("gzip", whole.substr(0, whole.size() / 2), 1'000'000).error().cause,
              Cause::kBadRequest);
    EXPECT_EQ(decode_content("br", "x", 100).error().cause, Cause::kMediaType);
}

}  // namespace
}  // namespace segue::gateway
