"""Files that are to go."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FileRemoval(models.Model):
    """A file whose row was deleted: written in the same transaction, gone when the file is.

    A crash between the two leaves this note, so that the file is removed later and is not taken for
    an object that lost its row.
    """

    file_key = models.CharField(_("file"), max_length=255, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("file to remove")
        verbose_name_plural = _("files to remove")

    def __str__(self) -> str:
        return self.file_key


class StudiesGone(models.Model):
    """Studies were deleted: a row each time. Who keeps a count of studies sees that it is right no longer."""

    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("deletion of studies")
        verbose_name_plural = _("deletions of studies")

    def __str__(self) -> str:
        return str(self.created_at)
