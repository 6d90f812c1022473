#include "engine/drained_file.hpp"

#include <utility>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace segue::engine {

DrainedFile::DrainedFile(std::string file) : file_(std::move(file)) {
    if (!file_.empty()) read();
}

void DrainedFile::read() {
    const auto text = read_file(file_);
    if (!text && text.error().fault == Fault::kNotFound) return;
    json::Parser parser;
    const auto root = text ? parser.parse(*text) : parser.parse("");
    if (!root || !(*root)["drained"].is_array()) {
        log::warning("cannot read {}: no engine is drained{}", file_,
                     text ? "" : " (" + text.error().detail + ")");
        return;
    }
    for (const auto name : (*root)["drained"])
        names_.emplace(name.string());
}

bool DrainedFile::has(std::string_view engine) const {
    const std::lock_guard lock(mutex_);
    return names_.contains(engine);
}

Result<void> DrainedFile::add(std::string_view engine) {
    const std::lock_guard lock(mutex_);
    if (!names_.emplace(engine).second) return {};
    return write();
}

Result<void> DrainedFile::remove(std::string_view engine) {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(engine);
    if (found == names_.end()) return {};
    names_.erase(found);
    return write();
}

Result<void> DrainedFile::write() const {
    if (file_.empty()) return {};
    const std::string text = json::object([&](json::Writer& w) {
        w.key("drained").begin_array();
        for (const auto& name : names_)
            w.string(name);
        w.end_array();
    });
    return replace_file(file_, text + "\n", FileAccess::kOwner);
}

}  // namespace segue::engine
