import EventSourcing

/// How many rows and bytes each read of a feed may have.
///
/// Reads grow while there is more to read: a large one costs less for each event, a small one is there sooner. Bytes are
/// kept to in the way that costs least for rows of the size that was seen: while no value takes more than its row's
/// share of the bytes, the rows alone keep to them. A larger one ends what can be used of a read; from there on the
/// server adds up, until all rows of a read are small again.
struct ReadSizer: Sendable {
    /// How many rows the first read behind a rest may have.
    static let firstRows = 500

    private let most: Int
    private let bytes: Int
    private let largeBytes: Int
    /// How many rows the next read may have.
    private(set) var rows: Int
    /// Whether each row has its share of the bytes, or else the server adds up.
    private(set) var isSplit = true

    /// - Parameters:
    ///   - rows: the most rows of a read.
    ///   - bytes: no further row once those of a read add up to this.
    ///   - largeBytes: a read does not grow beyond the rows that have room in this, as far as can be known.
    init(rows: Int, bytes: Int, largeBytes: Int) {
        most = rows
        self.bytes = bytes
        self.largeBytes = min(largeBytes, bytes)
        self.rows = min(rows, Self.firstRows)
    }

    /// What the next read is to be bounded by.
    var bound: PayloadLimit { isSplit ? .perRow(share) : .cumulative(bytes) }

    private var share: Int { bytes / max(1, rows) }

    /// Takes in a read.
    ///
    /// - Parameters:
    ///   - sizes: of the rows that came, in bytes.
    ///   - count: how many rows the read had, with those that stayed behind because of their size.
    /// - Returns: whether neither the limit of rows nor the bytes cut the read short.
    mutating func took(_ sizes: some Sequence<Int>, of count: Int) -> Bool {
        var came = 0
        var largest = 0
        for size in sizes {
            came += 1
            largest = max(largest, size)
        }
        // The server has added up by its own measure, so only it knows whether that cut the read.
        let isComplete = count < rows && came == count
        let isSmall = isSplit ? came == count : largest <= share
        let isFull = came == rows
        rows = isFull && isSmall ? grown(largest) : min(most, Self.firstRows)
        isSplit = isSmall
        return isComplete
    }

    private func grown(_ largest: Int) -> Int {
        min(most, max(Self.firstRows, min(rows * 2, largeBytes / max(1, largest))))
    }
}
