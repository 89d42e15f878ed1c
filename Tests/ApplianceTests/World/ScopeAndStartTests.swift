import Glibc
import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// What a checkpoint stands for: where the consumer began, and which events it wanted.
    @Suite(.serialized) struct ScopesAndStarts {
        private static let start = "GODWIT_CONSUMERS_SHOP_START"
        private static let contexts = "GODWIT_CONSUMERS_SHOP_BOUNDED_CONTEXTS"

        /// `verify` finds nothing missing and passes over so many.
        private func expectVerified(_ world: WorldFixture, passedOver: Int, delivered: Int) async throws {
            let verified = try await world.godwit("verify", "--consumer", "shop")
            #expect(verified.exitCode == 0, "\(verified.standardOutput)\(verified.standardError)")
            #expect(verified.standardOutput.contains("\(delivered) of them delivered"), "\(verified.standardOutput)")
            #expect(verified.standardOutput.contains("\(passedOver) passed over"), "\(verified.standardOutput)")
        }

        @Test(.timeLimit(.minutes(3)))
        func `a start now waits for open writers, says so, and publishes nothing before`() async throws {
            try await WorldFixture.with { world in
                try await world.append(20)
                let writer = try await world.session()
                try await writer.execute(script: "BEGIN")
                try await writer.insert()
                world.configure([Self.start: "now"])
                try world.startRelay()
                try await world.expectLog(naming: "waits for open transactions")
                try await world.expectStatus(naming: "waits for open transactions")
                // Behind the start that the relay saw, which a new process must not forget.
                try await world.append(3)
                try await world.stopRelay()
                try await world.append(4)
                try world.startRelay()
                try await world.expectLog(naming: "waits for open transactions")
                try await writer.execute(script: "COMMIT")
                try await world.append(5)
                try await world.expectEverythingDelivered(where: "global_position > 21")
                #expect(try await world.received().count == 12)
                try await world.waitForCheckpoint(33)
                try await expectVerified(world, passedOver: 21, delivered: 12)
                // A job over everything leaves out what was excluded, unless it is asked for.
                let counted = try await world.godwit("republish", "--consumer", "shop", "--dry-run")
                #expect(counted.standardOutput.contains("positions 22 to 33"), "\(counted.standardOutput)")
                let all = try await world.godwit(
                    "republish", "--consumer", "shop", "--dry-run", "--from-position", "1")
                #expect(all.standardOutput.contains("positions 1 to 33"), "\(all.standardOutput)")
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a misspelt context is reported, and so is what its correction adds`() async throws {
            try await WorldFixture.with { world in
                try await world.append(30)
                world.configure([Self.contexts: "Shpo"])
                let before = try await world.godwit("doctor")
                #expect(before.standardOutput.contains("did you mean \"Shop\"?"), "\(before.standardOutput)")
                try world.startRelay()
                try await world.expectLog(naming: "did you mean \\\"Shop\\\"?", "did you mean \"Shop\"?")
                try await world.waitForCheckpoint(30)
                try await world.stopRelay()

                world.configure([Self.contexts: "Shop"])
                // The job's name has a mark of the change in it.
                let command = "--consumer shop --to-position 30"
                let doctor = try await world.godwit("doctor")
                #expect(doctor.standardOutput.contains("passes over 30 earlier events"), "\(doctor.standardOutput)")
                #expect(doctor.standardOutput.contains(command), "\(doctor.standardOutput)")
                try world.startRelay()
                try await world.expectLog(naming: "adds 30 earlier events")
                #expect(try world.log.contains(command))
                try await world.append(5)
                try await world.expectEverythingDelivered(where: "global_position > 30")
                try await world.waitForCheckpoint(35)
                try await expectVerified(world, passedOver: 30, delivered: 5)

                let republished = try await world.godwit(
                    "republish", "--job", "added-to-shop-at-30", "--consumer", "shop", "--to-position", "30")
                #expect(republished.exitCode == 0, "\(republished.standardError)")
                try await world.expectEverythingDelivered()
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a context that is added later is counted and not missed`() async throws {
            try await WorldFixture.with { world in
                let writer = try await world.session()
                try await writer.insert(12, context: "Billing")
                world.configure([Self.contexts: "Shop"])
                try world.startRelay()
                try await world.append(8)
                try await world.expectEverythingDelivered(where: "bounded_context = 'Shop'")
                try await world.waitForCheckpoint(20)
                try await world.stopRelay()
                world.configure([Self.contexts: "Shop,Billing"])
                try world.startRelay()
                try await world.expectLog(naming: "adds 12 earlier events")
                #expect(try world.log.contains("--context Billing --to-position 20"))
                try await writer.insert(3, context: "Billing")
                try await world.expectEverythingDelivered(where: "bounded_context = 'Shop' OR global_position > 20")
                try await world.waitForCheckpoint(23)
                try await expectVerified(world, passedOver: 12, delivered: 11)
            }
        }
    }
}
