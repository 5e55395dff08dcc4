// The one exception of this library, and how its messages are put together.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace calosim {

/// Something a user can put right: one line that says where, what was found, what was expected.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws an Error whose message is these parts one after another.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
    std::ostringstream text;
    (text << ... << parts);
    throw Error(text.str());
}

}  // namespace calosim
