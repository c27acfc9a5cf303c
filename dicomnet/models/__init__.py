"""Machines we talk to and what we asked of them: a module per noun."""

from dicomnet.models.commitment import Commitment, CommitmentObject
from dicomnet.models.diary import Association
from dicomnet.models.film import FilmSheet, PrintJob, PrintStep
from dicomnet.models.mpps import PerformedInstance, PerformedMessage, PerformedReference, PerformedStep
from dicomnet.models.node import AENode, NodeProbe, UnknownCaller
from dicomnet.models.printer import Printer
from dicomnet.models.remote import RemoteAnswer, RemoteQuery, Retrieval
from dicomnet.models.routing import RoutedInstance, RoutingDue, RoutingPosition, RoutingRule
from dicomnet.models.transfer import Transfer, TransferItem, TransferPlan
from dicomnet.models.worklist import ScheduledStep

__all__ = [
    "AENode",
    "Association",
    "Commitment",
    "CommitmentObject",
    "FilmSheet",
    "NodeProbe",
    "PerformedInstance",
    "PerformedMessage",
    "PerformedReference",
    "PerformedStep",
    "PrintJob",
    "PrintStep",
    "Printer",
    "RemoteAnswer",
    "RemoteQuery",
    "Retrieval",
    "RoutedInstance",
    "RoutingDue",
    "RoutingPosition",
    "RoutingRule",
    "ScheduledStep",
    "Transfer",
    "TransferItem",
    "TransferPlan",
    "UnknownCaller",
]
