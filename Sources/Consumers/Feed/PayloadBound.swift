import EventSourcing

/// Keeps each read of a feed within its bytes, in the way that costs least for payloads of the size that was seen.
///
/// While no payload takes more than its row's share of the bytes, the rows alone keep to them. A larger one ends what can
/// be used of a read; from there on the server adds up, until all payloads of a read are small again.
struct PayloadBound: Sendable {
    private let rows: Int
    private let bytes: Int
    /// Whether each row has its share of the bytes, or else the server adds up.
    private(set) var isSplit = true

    init(rows: Int, bytes: Int) {
        self.rows = rows
        self.bytes = bytes
    }

    /// What the next read is to be bounded by.
    var bound: ByteBound { isSplit ? .each(share) : .total(bytes) }

    private var share: Int { bytes / max(1, rows) }

    /// Takes in a read.
    ///
    /// - Parameters:
    ///   - payloads: the sizes of the payloads that came, in bytes.
    ///   - count: how many rows the read had, with those whose payload did not come.
    /// - Returns: whether neither the limit of rows nor the bytes cut the read short.
    mutating func took(_ payloads: some Sequence<Int>, of count: Int) -> Bool {
        var came = 0
        var total = 0
        var largest = 0
        for size in payloads {
            came += 1
            total += size
            largest = max(largest, size)
        }
        if isSplit {
            isSplit = came == count
            return isSplit && count < rows
        }
        isSplit = largest <= share
        return count < rows && total < bytes
    }
}
