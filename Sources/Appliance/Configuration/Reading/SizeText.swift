/// Sizes as the configuration writes them: `512KiB`, `32MiB`, `1GiB`, or bytes without a unit.
package enum SizeText {
    private static let units: [(suffix: String, shift: Int)] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)]

    /// Reads a size; nil when it is not one.
    package static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits) else { return nil }
        let suffix = text.dropFirst(digits.count)
        if suffix.isEmpty { return number }
        guard let unit = units.first(where: { $0.suffix == suffix }), number <= Int.max >> unit.shift else {
            return nil
        }
        return number << unit.shift
    }

    /// Writes a size in the largest unit that leaves a whole number.
    package static func format(_ size: Int) -> String {
        for unit in units.reversed() where size != 0 && size % (1 << unit.shift) == 0 {
            return "\(size >> unit.shift)\(unit.suffix)"
        }
        return "\(size)"
    }
}
