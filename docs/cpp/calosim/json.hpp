// JSON files of a bundle: every number is checked when it is read.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "calosim/error.hpp"

namespace calosim {

using Json = nlohmann::json;

/// A finite number.
inline double as_number(const Json& value, const std::string& name) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
        fail(name, ": found ", value.type_name(), ", expected a finite number");
    }
    return value.get<double>();
}

/// A whole number in a range, ends included.
inline std::size_t as_whole(const Json& value, const std::string& name, std::size_t low, std::size_t high) {
    const bool fits = value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
    if (!fits || value.get<std::uint64_t>() < low || value.get<std::uint64_t>() > high) {
        fail(name, ": found ", value.dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 40),
             ", expected a whole number from ", low, " to ", high);
    }
    return value.get<std::size_t>();
}

inline double number(const Json& from, const char* key) {
    return as_number(from.at(key), key);
}

inline std::size_t whole(const Json& from, const char* key, std::size_t low, std::size_t high) {
    return as_whole(from.at(key), key, low, high);
}

inline std::size_t whole_or(const Json& from, const char* key, std::size_t otherwise, std::size_t low,
                            std::size_t high) {
    return from.contains(key) ? whole(from, key, low, high) : otherwise;
}

/// The JSON of a file; Error where it is missing or is none.
inline Json read_json(const std::filesystem::path& path, const std::string& what) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream || !std::filesystem::is_regular_file(path)) {
        fail(path.string(), ": found no such file, expected ", what);
    }
    try {
        return Json::parse(stream);
    } catch (const Json::exception& error) {
        fail(path.string(), ": found no JSON (", error.what(), "), expected ", what, ": export the bundle again");
    }
}

}  // namespace calosim
