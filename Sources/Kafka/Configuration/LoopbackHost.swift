/// Which names of hosts are this machine whatever a name server answers.
package enum LoopbackHost {
    /// `localhost`, `::1`, or four decimal numbers that begin with 127. Other spellings (`127.1`, `0x7f.1`,
    /// `::ffff:127.0.0.1`) are read in different ways by different programs, and do not count.
    package static func contains(_ host: some StringProtocol) -> Bool {
        if host == "::1" || host.lowercased() == "localhost" { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy(isByte)
    }

    private static func isByte(_ text: some StringProtocol) -> Bool {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), text.utf8.count == 1 || text.first != "0" else {
            return false
        }
        return UInt8(text) != nil
    }
}

/// A port as it is written: digits alone, 1 to 65535. `UInt16` would take `+80` as well.
package func portNumber(_ text: some StringProtocol) -> UInt16? {
    guard text.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(text), port > 0 else { return nil }
    return port
}
