import pytest
import stripe

from tests.deploy.stripe.rig import Rig, running


class TestCreateAccount:
    def test_is_able_at_once(self, rig: Rig) -> None:
        expert = rig.expert(email="e@expert.example", metadata={"expert": "9"}, business_type="individual")
        assert expert.payouts_enabled
        assert expert.details_submitted
        assert expert.capabilities is not None
        assert expert.capabilities.transfers == "active"
        assert expert.requirements is not None
        assert expert.requirements.disabled_reason is None
        assert rig.sdk.v1.accounts.retrieve(expert.id).email == "e@expert.example"

    def test_waits_for_its_owner_where_onboarding_is_manual(
        self, rig: Rig, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        directory = tmp_path_factory.mktemp("manual")
        with running(directory, rig.mailbox, "--onboarding", "manual") as manual:
            expert = manual.expert()
            assert expert.capabilities is not None
            assert expert.capabilities.transfers == "inactive"
            assert expert.requirements is not None
            assert expert.requirements.currently_due
            manual.control(f"accounts/{expert.id}/onboard")
            onboarded = manual.sdk.v1.accounts.retrieve(expert.id)
            assert onboarded.capabilities is not None
            assert onboarded.capabilities.transfers == "active"
            manual.wait_for_deliveries()

    def test_without_a_request_has_no_capability(self, rig: Rig) -> None:
        account = rig.expert(capabilities={})
        rig.control("balance/top_up", amount=100)
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            rig.transfer(account.id, 100)
        assert refusal.value.code == "insufficient_capabilities_for_transfer"
        capability = rig.sdk.v1.accounts.capabilities.update(account.id, "transfers", {"requested": True})
        assert capability.status == "active"
        assert rig.transfer(account.id, 100).amount == 100


class TestRequirements:
    @pytest.mark.parametrize(
        ("reason", "status"),
        [
            ("requirements.past_due", "inactive"),
            ("requirements.pending_verification", "pending"),
            ("under_review", "inactive"),
            ("rejected.fraud", "inactive"),
            ("platform_paused", "inactive"),
        ],
    )
    def test_a_disabled_reason_takes_the_capabilities(self, rig: Rig, reason: str, status: str) -> None:
        expert = rig.expert()
        rig.control(f"accounts/{expert.id}/requirements", disabled_reason=reason, past_due=["external_account"])
        after = rig.sdk.v1.accounts.retrieve(expert.id)
        assert after.requirements is not None
        assert (after.requirements.disabled_reason, after.requirements.past_due) == (reason, ["external_account"])
        assert not after.payouts_enabled
        capability = rig.sdk.v1.accounts.capabilities.retrieve(expert.id, "transfers")
        assert capability.status == status
        assert capability.requirements is not None
        assert capability.requirements.disabled_reason == reason
        rig.mailbox.wait_for(2, "account.updated")

    def test_clearing_them_gives_the_capabilities_back(self, rig: Rig) -> None:
        expert = rig.expert()
        rig.control(f"accounts/{expert.id}/requirements", currently_due=["individual.dob.day"])
        rig.control(f"accounts/{expert.id}/requirements")
        assert rig.sdk.v1.accounts.capabilities.list(expert.id).data[0].status == "active"

    def test_an_unknown_field_is_refused(self, rig: Rig) -> None:
        expert = rig.expert()
        answer = rig.http.post(f"{rig.url}/_control/accounts/{expert.id}/requirements", json={"overdue": []})
        assert answer.status_code == 400


class TestUpdateAccount:
    def test_changes_leaves_and_keeps_the_rest(self, rig: Rig) -> None:
        expert = rig.expert(business_profile={"name": "Expert", "mcc": "7392"})
        updated = rig.sdk.v1.accounts.update(
            expert.id,
            {"business_profile": {"mcc": "8999"}, "settings": {"payouts": {"schedule": {"interval": "manual"}}}},
        )
        assert updated.business_profile is not None
        assert (updated.business_profile.name, updated.business_profile.mcc) == ("Expert", "8999")
        assert updated.settings is not None
        assert updated.settings.payouts is not None
        assert updated.settings.payouts.schedule.interval == "manual"
        assert updated.settings.payouts.debit_negative_balances is True

    def test_a_strangers_account_is_forbidden(self, rig: Rig) -> None:
        with pytest.raises(stripe.PermissionError) as refusal:
            rig.sdk.v1.accounts.retrieve("acct_stranger")
        assert refusal.value.error is not None
        assert refusal.value.error.code == "account_invalid"


class TestOnBehalf:
    def test_reads_the_accounts_own_books(self, rig: Rig) -> None:
        rig.control("balance/top_up", amount=10_000)
        expert = rig.expert()
        transfer = rig.transfer(expert.id, 700)
        (payment,) = rig.sdk.v1.charges.list(options={"stripe_account": expert.id}).data
        assert (payment.id, payment.amount) == (transfer.destination_payment, 700)
        (entry,) = rig.sdk.v1.balance_transactions.list(options={"stripe_account": expert.id}).data
        assert (entry.type, entry.net) == ("payment", 700)
        assert rig.sdk.v1.accounts.retrieve_current(options={"stripe_account": expert.id}).id == expert.id
        assert rig.sdk.v1.accounts.retrieve_current().id.startswith("acct_")

    def test_a_strangers_header_is_forbidden(self, rig: Rig) -> None:
        with pytest.raises(stripe.PermissionError):
            rig.sdk.v1.balance.retrieve(options={"stripe_account": "acct_stranger"})
