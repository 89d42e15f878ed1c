import Testing

@testable import Consumers

@Suite struct FeedCursorTests {
    @Test func `a complete read up to the horizon moves the cursor to the horizon`() {
        var cursor = FeedCursor(after: 5)
        #expect(cursor.tookSettled(last: 7, isComplete: true, horizon: 20) == .readOn)
        #expect(cursor.position == 20)
    }

    @Test func `a read that was cut short moves the cursor to its last row`() {
        var cursor = FeedCursor(after: 5)
        _ = cursor.tookSettled(last: 7, isComplete: false, horizon: 20)
        #expect(cursor.position == 7)
    }

    @Test func `beyond the horizon only rows without a gap are handed out`() {
        var cursor = FeedCursor(after: 5)
        let taken = cursor.tookOpen([6, 7, 9, 10], isComplete: true)
        #expect(taken.count == 2)
        #expect(taken.next == .gap)
        #expect(cursor.position == 7)
    }

    @Test func `a read without a gap rests at its end, and goes on where it was cut`() {
        var cursor = FeedCursor(after: 5)
        #expect(cursor.tookOpen([6, 7], isComplete: false).next == .readOn)
        #expect(cursor.tookOpen([8], isComplete: true).next == .rest)
        #expect(cursor.tookOpen([], isComplete: true).next == .rest)
        #expect(cursor.position == 8)
    }
}
