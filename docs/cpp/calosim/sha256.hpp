// SHA-256 (FIPS 180-4) of files, to tell a damaged bundle from a sound one.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "calosim/error.hpp"

namespace calosim {

/// Takes bytes piece by piece, gives their sum as 64 hexadecimal digits.
class Sha256 {
public:
    void add(const char* data, std::size_t size) {
        length_ += size;
        while (size > 0) {
            const std::size_t part = std::min(size, block_.size() - filled_);
            std::copy_n(reinterpret_cast<const unsigned char*>(data), part,
                        block_.begin() + static_cast<long>(filled_));
            filled_ += part;
            data += part;
            size -= part;
            if (filled_ == block_.size()) compress();
        }
    }

    std::string digest() {
        const std::uint64_t bits = 8 * length_;
        add("\x80", 1);
        while (filled_ != 56) add("\0", 1);
        for (int shift = 56; shift >= 0; shift -= 8) {
            const char byte = static_cast<char>(bits >> shift & 0xFF);
            add(&byte, 1);
        }
        std::string text;
        for (const std::uint32_t word : state_) {
            for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 0xF];
        }
        return text;
    }

private:
    static std::uint32_t turned(std::uint32_t x, int by) { return x >> by | x << (32 - by); }

    void compress() {
        std::array<std::uint32_t, 64> w{};
        for (std::size_t i = 0; i < 16; ++i) {
            w[i] = static_cast<std::uint32_t>(block_[4 * i]) << 24 |
                   static_cast<std::uint32_t>(block_[4 * i + 1]) << 16 |
                   static_cast<std::uint32_t>(block_[4 * i + 2]) << 8 | block_[4 * i + 3];
        }
        for (std::size_t i = 16; i < 64; ++i) {
            const std::uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] +
                   (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
        }
        auto [a, b, c, d, e, f, g, h] = state_;
        for (std::size_t i = 0; i < 64; ++i) {
            const std::uint32_t one =
                h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + constants()[i] + w[i];
            const std::uint32_t two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
        }
        const std::array<std::uint32_t, 8> more{a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < 8; ++i) state_[i] += more[i];
        filled_ = 0;
    }

    static const std::array<std::uint32_t, 64>& constants() {
        static const std::array<std::uint32_t, 64> table{
            0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
            0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
            0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
            0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
            0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
            0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
            0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
            0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
        return table;
    }

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<unsigned char, 64> block_{};
    std::size_t filled_ = 0;
    std::uint64_t length_ = 0;
};

/// Files of a folder and its folders, in the order of their parts; of a file itself.
inline std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
    namespace fs = std::filesystem;
    if (!fs::is_directory(path)) return {path};
    std::vector<fs::path> found;
    for (const auto& item : fs::recursive_directory_iterator(path)) {
        if (item.is_regular_file()) found.push_back(item.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// Bytes of a file, or of all files of a folder.
inline std::uint64_t size_of(const std::filesystem::path& path) {
    std::uint64_t sum = 0;
    for (const auto& file : files_of(path)) sum += std::filesystem::file_size(file);
    return sum;
}

/// Sum of a file; of a folder that of the lines "sum  name" of its files.
inline std::string sum_of(const std::filesystem::path& path) {
    Sha256 whole;
    if (std::filesystem::is_directory(path)) {
        for (const auto& file : files_of(path)) {
            const std::string line = sum_of(file) + "  " + file.lexically_relative(path).generic_string() + "\n";
            whole.add(line.data(), line.size());
        }
        return whole.digest();
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) fail(path.string(), ": cannot be read");
    std::vector<char> buffer(1 << 16);
    while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || stream.gcount() > 0) {
        whole.add(buffer.data(), static_cast<std::size_t>(stream.gcount()));
    }
    return whole.digest();
}

}  // namespace calosim
