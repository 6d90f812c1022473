/// Names of the engines that people have taken out of service, in one small JSON file of the data
/// folder: what is being mended must not get requests because Segue was started again.
///
/// Thread: any.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace segue::engine {

class DrainedFile {
public:
    /// `file` "": as long as the program runs. What cannot be read is said in the log.
    explicit DrainedFile(std::string file);

    bool has(std::string_view engine) const;
    /// In force also when it could not be written; the error says that it ends with the program.
    Result<void> add(std::string_view engine);
    Result<void> remove(std::string_view engine);

private:
    void read();
    Result<void> write() const;

    const std::string file_;
    mutable std::mutex mutex_;
    std::set<std::string, std::less<>> names_;
};

}  // namespace segue::engine
