import FoundationEssentials
import TestSupport
import Testing

@testable import Postgres

@Suite struct CopyArenaTests {
    private typealias Table = [[[UInt8]?]]

    private func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    private func header(flags: UInt32 = 0, extension: [UInt8] = []) -> [UInt8] {
        Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0] + bigEndian(flags) + bigEndian(Int32(`extension`.count))
            + `extension`
    }

    private var trailer: [UInt8] { bigEndian(Int16(-1)) }

    private func rows(_ table: Table) -> [UInt8] {
        table.flatMap { row in
            bigEndian(Int16(row.count))
                + row.flatMap { value in value.map { bigEndian(Int32($0.count)) + $0 } ?? bigEndian(Int32(-1)) }
        }
    }

    /// Reads the stream, cut into the parts.
    private func read(_ parts: [[UInt8]], columns: Int) throws(PostgresError) -> Table {
        var arena = CopyArena(columnCount: columns)
        for part in parts {
            // Memory of its exact size, so that a sanitizer sees what is read beyond it.
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: part.count, alignment: 1)
            defer { copy.deallocate() }
            copy.copyBytes(from: part)
            try arena.append(UnsafeRawBufferPointer(copy))
        }
        let cells = try arena.finish(types: Array(repeating: 17, count: columns))
        return (0..<cells.count).map { row in
            (0..<columns).map { column in
                cells.isNull(row: row, column: column) ? nil : cells.array(row, column)
            }
        }
    }

    @Test func `a stream is read however it is cut`() throws {
        let table: Table = [[[1, 2, 3], nil], [[], [4]], [nil, nil]]
        let stream = header(flags: 0xFFFF, extension: [9, 9, 9]) + rows(table) + trailer
        #expect(try read([stream], columns: 2) == table)
        #expect(try read(stream.map { [$0] }, columns: 2) == table)
        for cut in stream.indices {
            #expect(try read([Array(stream[..<cut]), Array(stream[cut...])], columns: 2) == table)
        }
    }

    @Test func `a stream that is cut off is refused, wherever that is`() {
        let stream = header(extension: [9]) + rows([[[1, 2, 3], nil], [[], [4]]]) + trailer
        for end in stream.indices {
            let error = #expect(throws: PostgresError.self) { try read([Array(stream[..<end])], columns: 2) }
            #expect(error?.code == .decoding)
        }
    }

    @Test func `what breaks the format is refused`() {
        let row = rows([[[1], [2]]])
        let streams: [String: [UInt8]] = [
            "signature": [0x70] + header().dropFirst() + row + trailer,
            "critical flag": header(flags: 1 << 16) + row + trailer,
            "negative extension": Array(header().dropLast(4)) + bigEndian(Int32(-1)) + row + trailer,
            "too few columns": header() + rows([[[1]]]) + trailer,
            "too many columns": header() + rows([[[1], [2], [3]]]) + trailer,
            "negative column count": header() + bigEndian(Int16(-2)) + trailer,
            "negative length": header() + bigEndian(Int16(2)) + bigEndian(Int32(-2)) + trailer,
            "endless length": header() + bigEndian(Int16(2)) + bigEndian(Int32.max) + row + trailer,
            "more behind the end": header() + row + trailer + [0],
            "no end": header() + row,
        ]
        for (reason, stream) in streams {
            for parts in [[stream], stream.map { [$0] }] {
                let error = #expect(throws: PostgresError.self, "\(reason)") { try read(parts, columns: 2) }
                #expect(error?.code == .decoding, "\(reason)")
            }
        }
    }

    /// Set `GODWIT_SEED` to repeat a failure.
    @Test func `bytes that were changed are read or refused, and never more than that`() throws {
        let seed = seeds(1, of: "changed streams")[0]
        var random = Seeded(seed)
        var refused = 0
        for _ in 0..<4_000 {
            let columns = Int.random(in: 0...4, using: &random)
            let table: Table = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                (0..<columns).map { _ in
                    if Bool.random(using: &random) { return nil }
                    return (0..<Int.random(in: 0...9, using: &random)).map { _ in .random(in: 0...255, using: &random) }
                }
            }
            var stream = header() + rows(table) + trailer
            let changes = Int.random(in: 0...4, using: &random)
            for _ in 0..<changes { change(&stream, using: &random) }
            var parts: [[UInt8]] = []
            while !stream.isEmpty {
                let part = Int.random(in: 0...stream.count, using: &random)
                parts.append(Array(stream[..<part]))
                stream.removeFirst(part)
            }
            do {
                let read = try read(parts, columns: columns)
                if changes == 0 { #expect(read == table, "seed \(seed)") }
            } catch {
                #expect(error.code == .decoding, "seed \(seed)")
                #expect(changes > 0, "seed \(seed)")
                refused += 1
            }
        }
        #expect(refused > 500, "seed \(seed)")
    }

    private func change(_ stream: inout [UInt8], using random: inout Seeded) {
        guard !stream.isEmpty else { return }
        // Half of the changes spare the header, where nearly each one is refused at once.
        let first = Bool.random(using: &random) ? 0 : min(19, stream.count - 1)
        let place = Int.random(in: first..<stream.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: stream[place] = .random(in: 0...255, using: &random)
        case 1: stream[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: stream.remove(at: place)
        case 3: stream.insert(.random(in: 0...255, using: &random), at: place)
        default: stream.removeLast(Int.random(in: 0...stream.count, using: &random))
        }
    }
}

extension ResultCells {
    fileprivate func array(_ row: Int, _ column: Int) -> [UInt8] {
        bytes(row: row, column: column).withUnsafeBytes { Array($0) }
    }
}
