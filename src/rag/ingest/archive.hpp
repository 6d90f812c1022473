/// The ZIP inside an Office file: only named parts are unpacked, each within limits, so that a bomb
/// is an error and not a full memory.
///
/// Thread: one. Lifetime: `bytes` must outlive it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct zip;

namespace segue::rag {

class Archive {
public:
    static Result<Archive> open(std::string_view bytes);
    Archive(Archive&&) noexcept = default;
    Archive& operator=(Archive&&) noexcept = default;

    std::vector<std::string> names() const;
    bool has(const std::string& name) const;
    /// kNotFound when there is none, kTooLarge when it is a bomb.
    Result<std::string> read(const std::string& name);

private:
    struct Close {
        void operator()(zip* archive) const;
    };
    explicit Archive(std::unique_ptr<zip, Close> archive, std::size_t packed)
        : archive_(std::move(archive)), packed_(packed) {}
    std::unique_ptr<zip, Close> archive_;
    std::size_t packed_;
    std::size_t unpacked_ = 0;
};

}  // namespace segue::rag
