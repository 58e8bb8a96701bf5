"""The contract of adapters finds what is wrong: each adapter here breaks one rule."""

from pathlib import Path

import pytest
from contracts.drivers import broken
from contracts.drivers.fake import FakeDriver, Reachable
from msgspec.structs import replace

from chatstate.testing import AdapterContract
from chatstate.testing.platform import FULL

SMALL = replace(
    FULL,
    text_limit=300,
    text_unit="utf16",
    file_bytes=400_000,
    finish=True,
    preview="delta",
    modals=5,
)

FOUND_BY = [
    (broken.Deaf, "text_goes_both_ways", "never reached `host.deliver`"),
    (broken.Normalises, "unicode_is_unchanged", "combining characters"),
    (broken.Strips, "markup_characters_of_plain_text_arrive_as_they_are", "was said"),
    (broken.TakesAllForOne, "people_and_their_private_chats_are_told_apart", "`User.id`"),
    (broken.TakesAllForOne, "a_group_is_one_chat_of_several_people", ""),
    (broken.TakesAllForOne, "who_presses_is_told", ""),
    (broken.TakesGroupsForPrivate, "a_group_is_one_chat_of_several_people", "`Chat.kind`"),
    (broken.ForgetsThreads, "threads_are_kept_apart", "one message"),
    (broken.TakesEditsForMessages, "an_edited_message_is_an_edit", "edit"),
    (broken.ForgetsWhatIsAnswered, "an_answer_names_what_it_answers", "`Message.reply_to`"),
    (broken.ForgetsWhatIsAnswered, "what_is_chosen_in_a_menu_is_handled", "`Message.reply_to`"),
    (broken.TakesFirstWords, "a_command_of_a_group_runs", "`Message.arguments`"),
    (broken.AsksOneByOne, "a_form_is_asked_at_once", "`host.form` was not asked"),
    (broken.DeliversWhatBegins, "a_form_is_asked_at_once", "not to be delivered"),
    (broken.ForgetsWhatIsSubmitted, "a_form_is_asked_at_once", "`Message.answers`"),
    (broken.ForgetsWhatIsSubmitted, "what_does_not_fit_in_a_form_is_asked_again", ""),
    (broken.ShowsFormsBlank, "a_press_may_begin_a_form", ""),
    (broken.OffersNothing, "what_may_be_typed_is_offered", "`host.complete`"),
    (broken.ForgetsWhatIsQuoted, "an_answer_names_what_it_answers", "`Message.quote`"),
    (broken.ForgetsWhereAButtonHangs, "a_pressed_value_is_text", "`Message.pressed`"),
    (broken.ForgetsWhereAButtonHangs, "a_long_value_arrives_whole", "`Sent`"),
    (broken.ForgetsWhoIsNamed, "who_is_named_is_told", "`Message.mentions`"),
    (broken.LeavesItsName, "the_bots_own_name_is_no_part_of_a_text", ""),
    (broken.ShowsAllToAll, "what_one_person_may_see_is_shown_to_no_other", "`Post.ephemeral`"),
    (broken.TakesBotsForPeople, "other_bots_are_ignored", "`is_bot`"),
    (broken.TakesBotsForPeople, "other_bots_are_heard_if_that_is_wanted", ""),
    (broken.TakesReactionsForEdits, "a_reaction_of_somebody_is_told", 'the kind "reaction"'),
    (broken.SwapsReactions, "a_reaction_of_somebody_is_told", ""),
    (broken.ReactsToNothing, "a_reaction_is_shown", '"reaction"'),
    (broken.ReactsToNothing, "a_reaction_takes_the_place_of_another", "the newest"),
    (broken.MissesWhatIsGone, "a_reaction_to_what_is_gone_does_no_harm", "gone"),
    (broken.HearsItself, "its_own_reactions_are_not_told", "leave out"),
    (broken.HearsItself, "its_own_messages_are_never_heard", "itself"),
    (broken.AsksForNothing, "what_is_handled_by_its_own_name_is_told", "`Host.updates`"),
    (broken.KnowsOnlyWords, "what_has_neither_words_nor_files_is_told", '"other"'),
    (broken.TakesPressesForMessages, "a_pressed_value_is_text", ""),
    (broken.TakesPressesForMessages, "a_pressed_command_runs", ""),
    (broken.NumbersAnew, "a_duplicate_changes_nothing", "`Event.id`"),
    (broken.Hurries, "an_event_is_acknowledged_once_it_is_stored", "await `host.deliver` first"),
    (broken.Chokes, "what_cannot_be_read_stops_nothing", "what is that?"),
    (broken.Swallows, "an_event_that_cannot_be_stored_comes_again", "`StorageError`"),
    (broken.Reverses, "order_is_kept_in_each_chat", "out of order"),
    (broken.GivesOthersFiles, "a_file_is_received", "`open`"),
    (broken.GivesFilesOnce, "a_received_file_can_be_fetched_in_a_later_turn", "`ref`"),
    (broken.TakesLaterForNever, "a_file_that_cannot_be_had_now_is_received_later", "`open`"),
    (broken.NeverEnds, "it_stops_when_it_is_told_to", "`CancelledError`"),
    (broken.LeavesATask, "text_goes_both_ways", "tasks go on"),
    (broken.HasNaiveTimes, "text_goes_both_ways", "time zone"),
    (broken.Shouts, "markup_characters_of_plain_text_arrive_as_they_are", "escape it"),
    (broken.Truncates, "a_long_text_arrives_whole", "lost"),
    (broken.Truncates, "long_texts_do_not_mix", ""),
    (broken.ForgetsFiles, "what_nobody_would_read_is_a_message_and_a_file", "each file"),
    (broken.CountsWrong, "a_long_text_arrives_whole", "lost"),
    (broken.CutsAnywhere, "a_long_text_arrives_whole", "cut"),
    (broken.CutsAnywhere, "a_word_longer_than_a_message_arrives_whole", "grapheme"),
    (broken.CutsAnywhere, "a_code_block_stays_code_when_it_is_cut", ""),
    (broken.ForgetsMarkup, "markdown_is_shown_and_loses_nothing", "`markup`"),
    (broken.TakesBackslashesForEscapes, "what_markdown_has_no_place_for_is_shown", "to the letter"),
    (broken.Counts, "render_is_pure", "not pure"),
    (broken.ForgetsFiles, "a_file_is_sent", "each file"),
    (broken.ForgetsButtons, "buttons_are_shown", "has_buttons"),
    (broken.ForgetsWhatIsChosen, "an_option_is_chosen", "`Message.selected`"),
    (broken.ForgetsLinks, "a_link_is_shown", "`PostButton.url`"),
    (broken.ForgetsSuggestions, "a_suggestion_is_an_answer", "is lost"),
    (broken.ForgetsCards, "all_that_a_card_says_is_shown", "is not shown"),
    (broken.ForgetsCards, "a_card_alone_is_a_message", ""),
    (broken.ForgetsSmallPrint, "all_that_a_card_says_is_shown", "'as of noon' is not shown"),
    (broken.ForgetsPictures, "the_picture_of_a_card_is_sent", "each file"),
    (broken.ForgetsPictures, "a_picture_elsewhere_is_shown", "lost"),
    (broken.MarksNothing, "several_options_are_chosen", "`keeps`"),
    (broken.ShowsFewButtons, "a_wide_grid_is_shown", "is not shown"),
    (broken.ShowsFewButtons, "more_choices_than_buttons_are_shown_and_work", "cannot be chosen"),
    (broken.ShortensWhatButtonsSend, "a_long_choice_has_a_short_label_and_its_value", ""),
    (broken.GivesNoIds, "a_message_is_edited", "message_id"),
    (broken.GivesNoIds, "a_stream_ends_as_its_last_answer", "message_id"),
    (
        broken.ForgetsWhatItShowed,
        "a_stream_that_is_told_by_what_is_new_is_shown_whole",
        "`continues`",
    ),
    (broken.SendsEditsAnew, "a_message_is_edited", ""),
    (broken.SendsEditsAnew, "a_press_may_edit_its_message", ""),
    (broken.SendsEditsAnew, "a_stream_ends_as_its_last_answer", "edited"),
    (broken.EditsWhatIsGone, "what_cannot_be_edited_any_more_is_sent_anew", "one message"),
    (broken.DeletesNothing, "a_message_is_deleted", ""),
    (broken.FinishesNothing, "a_press_without_an_answer_ends", "finish"),
    (broken.SendsToTheGroup, "threads_are_kept_apart", "one message"),
    (broken.TypesElsewhere, "typing_is_shown_while_a_turn_runs", "typing"),
    (broken.DoesNotWait, "a_wait_is_obeyed", "`RetryAfter`"),
    (broken.TakesNoForMaybe, "a_refused_reply_is_a_dead_letter", "`Rejected`"),
    (broken.TakesMaybeForNo, "a_lost_answer_is_repeated", "`Ambiguous`"),
    (broken.GivesUp, "what_cannot_reach_the_platform_is_sent_later", "`Unreachable`"),
    (broken.MovesNowhere, "a_reply_follows_a_group_that_has_moved", "`Moved`"),
    (broken.MissesMoves, "a_group_that_moves_stays_the_same", "`host.moved`"),
    (broken.SaysNotWho, "whoever_starts_it_is_told_as_whom_it_runs", "`host.connected`"),
    (broken.FindsNothing, "what_was_sent_is_found", "`find`"),
    (broken.FindsAll, "what_was_sent_is_found", "`find`"),
    (broken.FindsNobodyKnowsWhat, "what_was_sent_is_found", "`find`"),
    (broken.RefusesWhatIsGone, "what_is_gone_is_told_from_what_is_refused", "`Gone`"),
    (broken.AnswersAlone, "a_reply_is_sent_to_a_group", "`origin`"),
    (broken.WhispersToItself, "a_person_is_told_in_private", "`private_chat`"),
    (broken.KnowsNoAdmins, "admins_are_known", "`is_admin`"),
    (broken.IsAlarmed, "an_account_that_works_is_found_so", "where there are none"),
    (broken.IsHelpless, "an_account_that_works_is_found_so", "`Finding.remedy`"),
]


@pytest.mark.parametrize(("adapter", "claim", "hint"), FOUND_BY)
async def test_a_broken_rule_is_found(
    adapter: type[Reachable],
    claim: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The test of that rule fails, and its message says what to do."""

    class Contract(AdapterContract):
        def make_driver(self, folder: Path) -> FakeDriver:  # noqa: ARG002 - it keeps no files
            return FakeDriver(adapter(SMALL))

    monkeypatch.setattr("chatstate.testing.contracts.adapter.session.DEADLINE", 0.5)
    with pytest.raises(AssertionError) as raised:
        await getattr(Contract(), f"test_{claim}")(tmp_path)
    assert hint in str(raised.value)
